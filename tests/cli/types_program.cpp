// Makes objects with and without a vtable, says its process id, and waits for its standard input to end.

#include <unistd.h>

#include <cstdio>
#include <memory>
#include <vector>

namespace zoo {

struct Animal {
  virtual ~Animal() = default;
  int legs = 4;
};
struct Cat : Animal {
  char name[40] = "tom";
};
// Of sizes whose blocks do not lie back to back in all of a pool.
struct Lion : Animal {
  char mane[60] = "";
};
struct Whale : Animal {
  char blubber[250] = "";
};
struct Flyer {
  virtual ~Flyer() = default;
  int wings = 2;
};
struct Bat : Animal, Flyer {};
// Its first word is no vtable.
struct Stone {
  unsigned long weight = 7;
};

}  // namespace zoo

int main() {
  std::vector<std::unique_ptr<zoo::Animal>> animals;
  std::vector<std::unique_ptr<zoo::Stone>> stones;
  for (int i = 0; i < 3000; ++i) animals.push_back(std::make_unique<zoo::Animal>());
  for (int i = 0; i < 2000; ++i) animals.push_back(std::make_unique<zoo::Cat>());
  for (int i = 0; i < 1500; ++i) animals.push_back(std::make_unique<zoo::Bat>());
  for (int i = 0; i < 1200; ++i) animals.push_back(std::make_unique<zoo::Lion>());
  for (int i = 0; i < 1100; ++i) animals.push_back(std::make_unique<zoo::Whale>());
  // What they were can still be read in their blocks.
  std::vector<std::unique_ptr<zoo::Animal>> gone;
  for (int i = 0; i < 700; ++i) gone.push_back(std::make_unique<zoo::Cat>());
  gone.clear();
  for (int i = 0; i < 1000; ++i) stones.push_back(std::make_unique<zoo::Stone>());
  std::printf("%d\n", static_cast<int>(getpid()));
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  return 0;
}
