"""Integers of a few hundred digits, fractions, decimals and complex numbers."""

from __future__ import annotations

import decimal
import fractions


def digits_of_pi(count: int) -> int:
    """Gibbons' spigot: the sum of the first decimals, with integers that grow."""
    q, r, t, k, n, m = 1, 0, 1, 1, 3, 3
    digit_sum = 0
    while count > 0:
        if 4 * q + r - t < n * t:
            digit_sum += n
            count -= 1
            q, r, n = 10 * q, 10 * (r - n * t), (10 * (3 * q + r)) // t - 10 * n
        else:
            q, r, n = q * k, (2 * q + r) * m, (q * (7 * k + 2) + r * m) // (t * m)
            t *= m
            k += 1
            m += 2
    return digit_sum


def harmonic(terms: int) -> fractions.Fraction:
    return sum((fractions.Fraction(1, index) for index in range(1, terms)), fractions.Fraction(0))


def exponential(argument: decimal.Decimal, terms: int) -> decimal.Decimal:
    result = term = decimal.Decimal(1)
    for index in range(1, terms):
        term = term * argument / index
        result += term
    return result


def run(scale: int) -> object:
    """All results."""
    digit_sum, denominators = 0, 0
    total = decimal.Decimal(0)
    point = 0j
    with decimal.localcontext(decimal.Context(prec=28)):
        for index in range(scale * 2):
            digit_sum += digits_of_pi(150)
            denominators += harmonic(150).denominator % 1_000_003
            total += exponential(decimal.Decimal(index % 5 + 1), 400)
            for _ in range(3000):
                point = point * point * 0.25 + complex(0.25, 0.5)
    return digit_sum, denominators, str(total), round(point.real, 6)


if __name__ == "__main__":
    import sys

    print(run(int(sys.argv[1]) if len(sys.argv) > 1 else 100))
