// A plain C program, without the C++ library, that preload_test runs with and without the preload library: it must
// say the same. Most of its cases are functions of preload_plugin.cpp.
//   preload_c_program --list    prints the names of the cases
//   preload_c_program NAME      runs one
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void tell_error(const char* when) {
  const char* error = dlerror();
  printf("%s: %s\n", when, error != NULL ? error : "no error");
}

static void dlerror_at_start(void) {
  tell_error("at the start of main");
}

// The first large block of the process, whose allocator has to be found somewhere.
static void dlerror_is_kept(void) {
  if (dlopen("no-such-library.so", RTLD_NOW) != NULL) exit(1);
  void* volatile block = malloc(100000);
  free(block);
  tell_error("after a large block");
}

static void in_plugin(const char* name) {
  void* plugin = dlopen(PRELOAD_PLUGIN, RTLD_NOW | RTLD_LOCAL);
  void (*function)(void) = NULL;
  if (plugin != NULL) *(void**)&function = dlsym(plugin, name);
  if (function == NULL) {
    fprintf(stderr, "%s\n", dlerror());
    exit(1);
  }
  function();
}

int main(int argc, char** argv) {
  static const char* const in_plugin_names[] = {"throwing_forms", "nothrow_forms", "inside_the_library",
                                                "new_handler", "under_a_limit"};
  if (argc != 2) {
    fputs("usage: preload_c_program --list | NAME\n", stderr);
    return 2;
  }
  const char* name = argv[1];
  if (strcmp(name, "--list") == 0) {
    puts("dlerror_at_start\ndlerror_is_kept");
    for (size_t i = 0; i < sizeof in_plugin_names / sizeof *in_plugin_names; ++i) puts(in_plugin_names[i]);
  } else if (strcmp(name, "dlerror_at_start") == 0) {
    dlerror_at_start();
  } else if (strcmp(name, "dlerror_is_kept") == 0) {
    dlerror_is_kept();
  } else {
    in_plugin(name);
  }
  return 0;
}
