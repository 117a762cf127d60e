/* outside_program: has blocks of many sizes in every state, says so, and waits until its standard input ends. It
 * uses no stdio, so that nothing of its heap changes between then and its end. Meanwhile, by its argument:
 * `slow` frees and allocates; `signals` has threads that send themselves signals, and exits with 1 if one was lost;
 * `endings` starts threads that end at once; `no_main` goes on without its main thread. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { kBlocks = 60000 };

static void* blocks[kBlocks];

static size_t size_of(unsigned i) {
  return i % 50 == 0 ? 9000 : 1 + i * 7919U % 1500;
}

static void* fill(void* unused) {
  for (unsigned i = 0; i < kBlocks; ++i) {
    blocks[i] = malloc(size_of(i));
    if (blocks[i] == NULL) abort();
    memset(blocks[i], 1, size_of(i));
  }
  for (unsigned i = 0; i < kBlocks; ++i) {
    if (i % 3 != 0 || (i > 20000 && i < 40000)) {
      free(blocks[i]);
      blocks[i] = NULL;
    }
  }
  return unused;
}

static _Atomic unsigned long handled;
static _Atomic unsigned long sent;
static atomic_bool is_over;

static void count_signal(int number) {
  (void)number;
  ++handled;
}

static void* send_signals(void* unused) {
  while (!is_over) {
    ++sent;
    raise(SIGRTMIN);
  }
  return unused;
}

static void* end_at_once(void* unused) {
  return unused;
}

static void* start_threads(void* unused) {
  while (!is_over) {
    enum { kAtOnce = 32 };
    pthread_t threads[kAtOnce];
    int started = 0;
    while (started < kAtOnce && pthread_create(&threads[started], NULL, end_at_once, NULL) == 0) ++started;
    while (started > 0) pthread_join(threads[--started], NULL);
  }
  return unused;
}

static void wait_for_end(void) {
  char byte;
  while (read(0, &byte, 1) > 0) {
  }
}

static int wait_beside(void* (*work)(void*)) {
  enum { kThreads = 2 };
  pthread_t threads[kThreads];
  const struct sigaction counted = {.sa_handler = count_signal, .sa_flags = SA_RESTART};
  sigaction(SIGRTMIN, &counted, NULL);
  for (int i = 0; i < kThreads; ++i) {
    if (pthread_create(&threads[i], NULL, work, NULL) != 0) return 2;
  }
  wait_for_end();
  is_over = true;
  for (int i = 0; i < kThreads; ++i) pthread_join(threads[i], NULL);
  return sent != handled;
}

static void* end_with_input(void* unused) {
  wait_for_end();
  _exit(0);
  return unused;
}

int main(int argc, char** argv) {
  const char* mode = argc > 1 ? argv[1] : "";
  pthread_t thread;
  if (pthread_create(&thread, NULL, fill, NULL) != 0) return 2;
  pthread_join(thread, NULL);
  void* large = malloc(3000000);
  memset(large, 1, 3000000);
  if (write(1, "ready\n", 6) != 6) return 2;
  if (strcmp(mode, "signals") == 0) return wait_beside(send_signals);
  if (strcmp(mode, "endings") == 0) return wait_beside(start_threads);
  if (strcmp(mode, "no_main") == 0) {
    if (pthread_create(&thread, NULL, end_with_input, NULL) != 0) return 2;
    pthread_exit(NULL);
  }
  if (strcmp(mode, "slow") == 0) {
    for (unsigned round = 0;; ++round) {
      for (unsigned i = 0; i < kBlocks; i += 3) {
        free(blocks[i]);
        blocks[i] = malloc(size_of(i + round));
      }
      usleep(20000);
    }
  }
  wait_for_end();
  return large == NULL;
}
