// A C program that shuts itself in behind filters of system calls, which kill for what they do not know:
// preload_test runs it with and without the preload library, and it must say the same.
//   preload_sandbox --list    prints the names of the cases
//   preload_sandbox NAME      runs one
#include <dlfcn.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BLOCKS = 50000, CALLS_MAX = 40 };

// Kills for the calls that are named, or for all others.
static void shut_in(const unsigned* calls, unsigned count, int are_allowed) {
  const unsigned named = are_allowed ? SECCOMP_RET_ALLOW : SECCOMP_RET_KILL_PROCESS;
  const unsigned other = are_allowed ? SECCOMP_RET_KILL_PROCESS : SECCOMP_RET_ALLOW;
  struct sock_filter steps[2 * CALLS_MAX + 2] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))};
  unsigned short length = 1;
  for (unsigned i = 0; i < count; ++i) {
    steps[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i], 0, 1);
    steps[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, named);
  }
  steps[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, other);
  const struct sock_fprog filter = {length, steps};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) {
    perror("prctl");
    exit(1);
  }
}

static void nothing(void) {}

// Leaves pages to give back all over the heap, and has them given back.
static void use_the_heap(void) {
  static void* blocks[BLOCKS];
  void (*trim)(void) = nothing;
  void* const symbol = dlsym(RTLD_DEFAULT, "sb_trim");
  if (symbol != NULL) *(void**)&trim = symbol;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < BLOCKS; ++i) blocks[i] = memset(malloc(200 + (size_t)i % 300), 1, 100);
    for (int i = 0; i < BLOCKS; ++i) {
      if (i % 50 == 0) continue;
      free(blocks[i]);
      blocks[i] = NULL;
    }
    trim();
    for (int i = 0; i < BLOCKS; ++i) free(blocks[i]);
  }
}

static void tell_end(const char* who, pid_t process) {
  int status = 0;
  waitpid(process, &status, 0);
  if (WIFSIGNALED(status)) {
    printf("%s: signal %d\n", who, WTERMSIG(status));
  } else {
    printf("%s: exit %d\n", who, WEXITSTATUS(status));
  }
}

static void only_what_malloc_calls(void) {
  static const unsigned calls[] = {SYS_brk,     SYS_mmap,           SYS_munmap,    SYS_mprotect,   SYS_mremap,
                                   SYS_madvise, SYS_futex,          SYS_write,     SYS_newfstatat, SYS_fstat,
                                   SYS_exit,    SYS_rt_sigprocmask, SYS_exit_group};
  puts("in");
  shut_in(calls, sizeof calls / sizeof *calls, 1);
  use_the_heap();
  puts("out");
}

// The child is in a sandbox before it allocates; its parent has a thread, if it was told so.
static void child_without_threads(void) {
  static const unsigned calls[] = {SYS_clone, SYS_clone3};
  use_the_heap();
  const pid_t child = fork();
  if (child == 0) {
    shut_in(calls, sizeof calls / sizeof *calls, 0);
    use_the_heap();
    _exit(0);
  }
  tell_end("child", child);
}

// The filter is older than the program.
static void born_in_a_filter(char* program) {
  static const unsigned calls[] = {SYS_process_madvise, SYS_membarrier, SYS_prctl};
  const pid_t child = fork();
  if (child == 0) {
    shut_in(calls, sizeof calls / sizeof *calls, 0);
    char* const arguments[] = {program, "use_the_heap", NULL};
    execv(program, arguments);
    _exit(127);
  }
  tell_end("program", child);
}

// What a failed call has not forbidden: the program goes on as it was.
static void refused(void) {
  printf("%d\n", prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL));
  printf("%d\n", prctl(PR_SET_NO_NEW_PRIVS, 2, 0, 0, 0));
  printf("%d\n", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
  use_the_heap();
}

int main(int argc, char** argv) {
  if (argc != 2) {
    fputs("usage: preload_sandbox --list | NAME\n", stderr);
    return 2;
  }
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (getenv("SMALLBLOCK_BACKGROUND") == NULL) {
    setenv("SMALLBLOCK_BACKGROUND", "1", 1);
    execv(argv[0], argv);
  }
  if (strcmp(argv[1], "--list") == 0) {
    puts("only_what_malloc_calls\nchild_without_threads\nborn_in_a_filter\nrefused");
  } else if (strcmp(argv[1], "only_what_malloc_calls") == 0) {
    only_what_malloc_calls();
  } else if (strcmp(argv[1], "child_without_threads") == 0) {
    child_without_threads();
  } else if (strcmp(argv[1], "born_in_a_filter") == 0) {
    born_in_a_filter(argv[0]);
  } else if (strcmp(argv[1], "refused") == 0) {
    refused();
  } else {
    use_the_heap();
  }
  return 0;
}
