// A C program with interpreters inside; embedding.py builds it against a CPython and runs it with and without
// smallblock.
//
//     embedded main CYCLES       starts and finalises the interpreter
//     embedded sub CYCLES        makes and ends sub-interpreters under the one GIL
//     embedded own_gil CYCLES    makes sub-interpreters with a GIL of their own (CPython 3.12 and later); every
//                                second one is ended by another thread than the one that made it
//
// Prints the resident KiB after a quarter of the cycles and at the end.
#include <Python.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { kKept = 200 };

static const char* const kWork =
    "import json\n"
    "rows = [(i, str(i), [i], {'key': i}) for i in range(5000)]\n"
    "text = json.dumps(rows[::10])\n"
    "assert json.loads(text)[3][0] == 30\n"
    "del rows[::2]\n";

static void fail(const char* what) {
  fprintf(stderr, "embedded: %s\n", what);
  exit(1);
}

static long resident_kib(void) {
  long pages = 0;
  FILE* file = fopen("/proc/self/statm", "r");
  if (file == NULL || fscanf(file, "%*d %ld", &pages) != 1) fail("no /proc/self/statm");
  fclose(file);
  return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void work(void) {
  if (PyRun_SimpleString(kWork) != 0) fail("the work raises an exception");
}

static void start(void) {
  PyConfig config;
  PyConfig_InitPythonConfig(&config);
  config.parse_argv = config.install_signal_handlers = 0;
  config.site_import = 0;
  PyStatus status = Py_InitializeFromConfig(&config);
  PyConfig_Clear(&config);
  if (PyStatus_Exception(status)) Py_ExitStatusException(status);
}

static void main_cycle(void) {
  start();
  work();
  if (Py_FinalizeEx() != 0) fail("finalising reports an error");
}

// Blocks that are made inside live longer than the sub-interpreter.
static void sub_cycle(void) {
  static void* kept[kKept];
  PyThreadState* outer = PyThreadState_Get();
  PyThreadState* inner = Py_NewInterpreter();
  if (inner == NULL) fail("no sub-interpreter");
  work();
  for (int i = 0; i < kKept; ++i) {
    kept[i] = i % 2 == 0 ? PyMem_Malloc((size_t)i * 4) : PyObject_Malloc((size_t)i * 4);
    if (kept[i] == NULL) fail("no memory");
    memset(kept[i], i, (size_t)i * 4);
  }
  Py_EndInterpreter(inner);
  PyThreadState_Swap(outer);
  for (int i = 0; i < kKept; ++i) {
    const unsigned char* bytes = kept[i];
    if (i > 0 && (bytes[0] != i || bytes[(size_t)i * 4 - 1] != i)) fail("a kept block has changed");
    if (i % 2 == 0) {
      PyMem_Free(kept[i]);
    } else {
      PyObject_Free(kept[i]);
    }
  }
}

#if PY_VERSION_HEX >= 0x030c0000
static void* end_elsewhere(void* argument) {
  PyThreadState* maker = argument;
  PyThreadState* mine = PyThreadState_New(PyThreadState_GetInterpreter(maker));
  PyEval_RestoreThread(mine);
  PyThreadState_Clear(maker);
  PyThreadState_Delete(maker);
  work();
  Py_EndInterpreter(mine);
  return NULL;
}

static void own_gil_cycle(int cycle) {
  const PyInterpreterConfig config = {.check_multi_interp_extensions = 1, .gil = PyInterpreterConfig_OWN_GIL};
  PyThreadState* outer = PyThreadState_Get();
  PyThreadState* inner = NULL;
  PyStatus status = Py_NewInterpreterFromConfig(&inner, &config);
  if (PyStatus_Exception(status)) Py_ExitStatusException(status);
  work();
  if (cycle % 2 == 0) {
    Py_EndInterpreter(inner);
  } else {
    pthread_t other;
    PyEval_SaveThread();
    if (pthread_create(&other, NULL, end_elsewhere, inner) != 0) fail("no thread");
    pthread_join(other, NULL);
  }
  PyEval_RestoreThread(outer);
}
#else
static void own_gil_cycle(int cycle) {
  (void)cycle;
  fail("a sub-interpreter has its own GIL from CPython 3.12 on");
}
#endif

int main(int argc, char** argv) {
  if (argc != 3) fail("needs a mode and a number");
  const int is_main = strcmp(argv[1], "main") == 0;
  const int is_sub = strcmp(argv[1], "sub") == 0;
  const int cycles = atoi(argv[2]);
  long first_kib = 0;
  if (!is_main) start();
  for (int cycle = 0; cycle < cycles; ++cycle) {
    if (is_main) {
      main_cycle();
    } else if (is_sub) {
      sub_cycle();
    } else {
      own_gil_cycle(cycle);
    }
    if (cycle == cycles / 4) first_kib = resident_kib();
  }
  printf("%ld %ld\n", first_kib, resident_kib());
  if (!is_main && Py_FinalizeEx() != 0) fail("finalising reports an error");
  return 0;
}
