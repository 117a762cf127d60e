# smallblock: free by CPython's obj domain of 0x*, a block of 24 bytes from CPython's mem domain
# Without check mode: nothing
import ctypes

api = ctypes.pythonapi
api.PyMem_Malloc.restype = ctypes.c_void_p
api.PyObject_Free.argtypes = [ctypes.c_void_p]
api.PyObject_Free.restype = None
api.PyObject_Free(api.PyMem_Malloc(24))
