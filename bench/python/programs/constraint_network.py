"""One-way constraints between variables, planned and executed anew after each change, in the manner of DeltaBlue."""

from __future__ import annotations

VARIABLES = 60


class Variable:
    def __init__(self, name: str, value: int) -> None:
        self.name = name
        self.value = value
        self.readers: list[Constraint] = []
        self.source: Constraint | None = None


class Constraint:
    def __init__(self, output: Variable, *inputs: Variable) -> None:
        self.output = output
        self.inputs = inputs
        output.source = self
        for variable in inputs:
            variable.readers.append(self)

    def execute(self) -> None:
        raise NotImplementedError

    def remove(self) -> None:
        self.output.source = None
        for variable in self.inputs:
            variable.readers.remove(self)


class Equal(Constraint):
    def execute(self) -> None:
        self.output.value = self.inputs[0].value


class Scaled(Constraint):
    def execute(self) -> None:
        source, factor, offset = self.inputs
        self.output.value = (source.value * factor.value + offset.value) % 1_000_003


class Plan:
    """The constraints that follow from a variable, in an order in which each comes after its inputs."""

    def __init__(self, start: Variable) -> None:
        order: dict[Constraint, None] = {}
        todo = [start]
        while todo:
            for constraint in todo.pop().readers:
                order.pop(constraint, None)
                order[constraint] = None
                todo.append(constraint.output)
        self.steps = tuple(order)

    def execute(self) -> None:
        for constraint in self.steps:
            constraint.execute()


def make_chain(seed: int) -> list[Variable]:
    factor, offset = Variable("factor", 3 + seed % 5), Variable("offset", 7)
    chain = [Variable("first", seed)]
    for index in range(VARIABLES):
        variable = Variable(f"variable {index}", 0)
        if index % 3 == 0:
            Scaled(variable, chain[-1], factor, offset)
        else:
            Equal(variable, chain[-1])
        chain.append(variable)
    return chain


def run(scale: int) -> object:
    """The last variable of every chain after every change."""
    total = 0
    for seed in range(scale * 30):
        chain = make_chain(seed)
        for change in range(3):
            chain[0].value += change
            Plan(chain[0]).execute()
            total += chain[-1].value
        constraint = chain[VARIABLES // 2].source
        if constraint is not None:
            constraint.remove()
        Equal(chain[VARIABLES // 2], chain[1])
        Plan(chain[0]).execute()
        total += chain[-1].value
    return total


if __name__ == "__main__":
    import sys

    print(run(int(sys.argv[1]) if len(sys.argv) > 1 else 100))
