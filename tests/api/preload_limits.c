// A program that limits its own address space, which preload_test runs with and without the preload library: it
// must say the same.
//   preload_limits --list    prints the names of the cases
//   preload_limits NAME      runs one
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kMebibyte = 1 << 20 };

static const char* name_of(int error) {
  return error == 0 ? "done" : strerror(error);
}

static void use_the_heap(void) {
  void* blocks[1000];
  for (size_t i = 0; i < 1000; ++i) blocks[i] = malloc(1 + i * 7);
  for (size_t i = 0; i < 1000; ++i) {
    if (blocks[i] != NULL) memset(blocks[i], 'x', 1 + i * 7);
    free(blocks[i]);
  }
}

static void* work(void* unused) {
  use_the_heap();
  return unused;
}

static void tell_room(const char* when, size_t mebibytes) {
  void* pages = mmap(NULL, mebibytes * kMebibyte, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  printf("%s: %zu MiB: %s\n", when, mebibytes, name_of(pages == MAP_FAILED ? errno : 0));
  if (pages != MAP_FAILED) munmap(pages, mebibytes * kMebibyte);
}

static void tell_all_room(const char* when) {
  pthread_t thread;
  tell_room(when, 400);
  tell_room(when, 1100);
  void* volatile block = malloc((size_t)300 * kMebibyte);
  printf("%s: a large block: %s\n", when, block != NULL ? "done" : "refused");
  free(block);
  printf("%s: a thread: %s\n", when, name_of(pthread_create(&thread, NULL, work, NULL)));
  pthread_join(thread, NULL);
  use_the_heap();
}

static void by_setrlimit(void) {
  const struct rlimit limit = {(rlim_t)1024 * kMebibyte, (rlim_t)2048 * kMebibyte};
  use_the_heap();
  printf("setrlimit: %d\n", setrlimit(RLIMIT_AS, &limit));
  tell_all_room("limited");
}

static void by_setrlimit64(void) {
  const struct rlimit64 limit = {(rlim64_t)1024 * kMebibyte, RLIM64_INFINITY};
  use_the_heap();
  printf("setrlimit64: %d\n", setrlimit64(RLIMIT_AS, &limit));
  tell_all_room("limited");
}

static void by_prlimit(void) {
  const struct rlimit limit = {(rlim_t)1024 * kMebibyte, RLIM_INFINITY};
  struct rlimit before = {1, 1};
  use_the_heap();
  printf("prlimit: %d\n", prlimit(0, RLIMIT_AS, &limit, &before));
  printf("unlimited before: %d\n", before.rlim_cur == RLIM_INFINITY);
  tell_all_room("limited");
  printf("prlimit64: %d\n", prlimit64(getpid(), RLIMIT_AS, NULL, (struct rlimit64*)&before));
  printf("%llu MiB\n", (unsigned long long)before.rlim_cur / kMebibyte);
}

static void what_is_refused(void) {
  const struct rlimit hard = {(rlim_t)8192 * kMebibyte, (rlim_t)8192 * kMebibyte};
  const struct rlimit crossed = {(rlim_t)16 * kMebibyte, (rlim_t)8 * kMebibyte};
  struct rlimit now = {1, 1};
  errno = 0;
  printf("crossed: %d", setrlimit(RLIMIT_AS, &crossed));
  printf(" %s\n", name_of(errno));
  printf("no such resource: %d", setrlimit(1000, &hard));
  printf(" %s\n", name_of(errno));
  printf("of no process: %d", prlimit(0x3fffffff, RLIMIT_AS, &hard, NULL));
  printf(" %s\n", name_of(errno));
  printf("at no address: %d", prlimit(0, RLIMIT_AS, (const struct rlimit*)16, NULL));
  printf(" %s\n", name_of(errno));
  printf("getrlimit: %d\n", getrlimit(RLIMIT_AS, &now));
  printf("unlimited: %d\n", now.rlim_cur == RLIM_INFINITY);
  tell_room("unlimited", 8192);
}

// Less than the program has already: nothing more is to be had, and what there is can be used.
static void too_low(void) {
  const struct rlimit limit = {(rlim_t)1 * kMebibyte, RLIM_INFINITY};
  void* volatile block = malloc(1000);
  use_the_heap();
  printf("setrlimit: %d\n", setrlimit(RLIMIT_AS, &limit));
  tell_room("limited", 1);
  use_the_heap();
  free(block);
}

static void again_and_lifted(void) {
  struct rlimit limit = {0, RLIM_INFINITY};
  for (rlim_t mebibytes = 8192; mebibytes >= 1024; mebibytes /= 2) {
    limit.rlim_cur = mebibytes * kMebibyte;
    printf("setrlimit: %d\n", setrlimit(RLIMIT_AS, &limit));
    use_the_heap();
    tell_room("limited", 400);
  }
  limit.rlim_cur = RLIM_INFINITY;
  printf("setrlimit: %d\n", setrlimit(RLIMIT_AS, &limit));
  tell_room("lifted", 8192);
}

static void of_children(void) {
  const struct rlimit limit = {(rlim_t)1024 * kMebibyte, RLIM_INFINITY};
  int status = 0;
  use_the_heap();
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    printf("setrlimit: %d\n", setrlimit(RLIMIT_AS, &limit));
    tell_all_room("child");
    fflush(stdout);
    execl("/bin/sh", "sh", "-c", "ulimit -v", (char*)NULL);
    _exit(127);
  }
  waitpid(child, &status, 0);
  printf("child: %d\n", status);
  tell_room("parent", 8192);
  child = fork();
  if (child == 0) {
    pause();
    _exit(0);
  }
  printf("prlimit: %d\n", prlimit(child, RLIMIT_AS, &limit, NULL));
  kill(child, SIGKILL);
  waitpid(child, &status, 0);
  tell_room("parent", 8192);
  use_the_heap();
}

int main(int argc, char** argv) {
  static const struct {
    const char* name;
    void (*run)(void);
  } cases[] = {{"by_setrlimit", by_setrlimit}, {"by_setrlimit64", by_setrlimit64},
               {"by_prlimit", by_prlimit},     {"what_is_refused", what_is_refused},
               {"too_low", too_low},           {"again_and_lifted", again_and_lifted},
               {"of_children", of_children}};
  if (argc != 2) {
    fputs("usage: preload_limits --list | NAME\n", stderr);
    return 2;
  }
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    if (strcmp(argv[1], "--list") == 0) puts(cases[i].name);
    if (strcmp(argv[1], cases[i].name) == 0) cases[i].run();
  }
  return 0;
}
