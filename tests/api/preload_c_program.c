// A plain C program, without the C++ library, that preload_test runs with and without the preload library: it must
// say the same. Most of its cases are functions of preload_plugin.cpp and preload_opener.c.
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

static void in_plugin(const char* file, const char* name) {
  void* plugin = dlopen(file, RTLD_NOW | RTLD_LOCAL);
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
  static const char* const in_opener_names[] = {"bare_name", "deep_binding", "deep_binding_by_old_version",
                                                "deep_binding_in_a_namespace", "another_namespace"};
  const size_t in_opener = sizeof in_opener_names / sizeof *in_opener_names;
  if (argc != 2) {
    fputs("usage: preload_c_program --list | NAME\n", stderr);
    return 2;
  }
  const char* name = argv[1];
  if (strcmp(name, "--list") == 0) {
    puts("dlerror_at_start\ndlerror_is_kept");
    for (size_t i = 0; i < sizeof in_plugin_names / sizeof *in_plugin_names; ++i) puts(in_plugin_names[i]);
    for (size_t i = 0; i < in_opener; ++i) puts(in_opener_names[i]);
    return 0;
  } else if (strcmp(name, "dlerror_at_start") == 0) {
    dlerror_at_start();
  } else if (strcmp(name, "dlerror_is_kept") == 0) {
    dlerror_is_kept();
  } else {
    for (size_t i = 0; i < in_opener; ++i) {
      if (strcmp(name, in_opener_names[i]) != 0) continue;
      in_plugin(PRELOAD_OPENER, name);
      return 0;
    }
    in_plugin(PRELOAD_PLUGIN, name);
  }
  return 0;
}
