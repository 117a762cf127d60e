// A plugin of preload_c_program that loads others: one by its bare name, which only this plugin's own RUNPATH leads
// to, and one that is to see its own definitions first.
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLUGIN_EXPORT __attribute__((visibility("default")))

static void call_inner(void* inner) {
  char* (*exchanged)(char*) = NULL;
  if (inner != NULL) *(void**)&exchanged = dlsym(inner, "exchanged");
  if (exchanged == NULL) {
    printf("%s\n", dlerror());
    return;
  }
  char* text = strdup("from one malloc to another's free, and back");
  text = exchanged(text);
  puts(text);
  free(text);
}

PLUGIN_EXPORT void bare_name(void) {
  call_inner(dlopen("libpreload_inner.so", RTLD_NOW));
}

PLUGIN_EXPORT void deep_binding(void) {
  call_inner(dlopen("libpreload_inner.so", RTLD_NOW | RTLD_DEEPBIND));
}

PLUGIN_EXPORT void deep_binding_in_a_namespace(void) {
  call_inner(dlmopen(LM_ID_BASE, "libpreload_inner.so", RTLD_NOW | RTLD_DEEPBIND));
}

// What lies in another namespace has a malloc of its own, whose blocks nobody else frees.
PLUGIN_EXPORT void another_namespace(void) {
  void* inner = dlmopen(LM_ID_NEWLM, "libpreload_inner.so", RTLD_NOW | RTLD_DEEPBIND);
  char* (*exchanged)(char*) = NULL;
  if (inner != NULL) *(void**)&exchanged = dlsym(inner, "exchanged");
  puts(exchanged != NULL ? "opened" : dlerror());
}

#if defined(__x86_64__) && defined(__GLIBC__)
// What was linked with a C library older than 2.34 asks for this version.
void* dlopen_before(const char* file, int mode);
__asm__(".symver dlopen_before, dlopen@GLIBC_2.2.5");
#else
#define dlopen_before dlopen
#endif

PLUGIN_EXPORT void deep_binding_by_old_version(void) {
  call_inner(dlopen_before("libpreload_inner.so", RTLD_NOW | RTLD_DEEPBIND));
}
