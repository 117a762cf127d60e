/* pymalloc behind PyMem_SetAllocator: what a hook costs that does nothing but call the allocator it replaced.
 *
 * Preloaded by bench/python/compare (--preload) to split a figure in two: what is lost because a profile-guided
 * build can no longer inline its own allocator, and what the other allocator does. Serves CPython's mem and obj
 * domains.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

typedef struct {
  void* context;
  void* (*malloc)(void* context, size_t bytes);
  void* (*calloc)(void* context, size_t count, size_t bytes);
  void* (*realloc)(void* context, void* block, size_t bytes);
  void (*free)(void* context, void* block);
} allocator;

typedef void (*domain_function)(int domain, allocator* in_or_out);

static allocator replaced[2];

static void* pass_malloc(void* context, size_t bytes) {
  const allocator* next = context;
  return next->malloc(next->context, bytes);
}

static void* pass_calloc(void* context, size_t count, size_t bytes) {
  const allocator* next = context;
  return next->calloc(next->context, count, bytes);
}

static void* pass_realloc(void* context, void* block, size_t bytes) {
  const allocator* next = context;
  return next->realloc(next->context, block, bytes);
}

static void pass_free(void* context, void* block) {
  const allocator* next = context;
  next->free(next->context, block);
}

static domain_function find(const char* name) {
  void* symbol = dlsym(RTLD_DEFAULT, name);
  domain_function function = NULL;
  memcpy(&function, &symbol, sizeof function);
  return function;
}

__attribute__((constructor)) static void hook(void) {
  const domain_function get = find("PyMem_GetAllocator");
  const domain_function set = find("PyMem_SetAllocator");
  if (get == NULL || set == NULL) return;
  for (int i = 0; i < 2; ++i) {
    const int domain = i + 1; /* PYMEM_DOMAIN_MEM, PYMEM_DOMAIN_OBJ */
    get(domain, &replaced[i]);
    allocator pass = {&replaced[i], pass_malloc, pass_calloc, pass_realloc, pass_free};
    set(domain, &pass);
  }
}
