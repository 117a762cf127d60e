// Writes the seeds of the readers' fuzzers: snapshots of this process's heap, and core dumps of as much of it as
// reading takes. Objects as CPython and C++ make them lie in its blocks.
//
//   make_reader_seeds LIBRARY FOLDER    (the library of heap_symbols.c; FOLDER/snapshot and FOLDER/core are made)

#include <dlfcn.h>
#include <smallblock/smallblock.h>

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <vector>

#include "core/heap_descriptor.hpp"
#include "core_writer.hpp"
#include "inspect/image/block_names.hpp"
#include "inspect/image/heap_walk.hpp"
#include "inspect/image/snapshot_fields.hpp"
#include "zero_runs.hpp"

namespace smallblock::fuzz {

namespace {

namespace files = std::filesystem;
using Words = std::uint64_t*;

std::uint64_t address_of(const void* object) {
  return reinterpret_cast<std::uint64_t>(object);
}

class Library {
 public:
  explicit Library(const char* path) : handle_(dlopen(path, RTLD_NOW)), path_(files::canonical(path)) {
    if (handle_ == nullptr) throw std::runtime_error(dlerror());
  }
  void* handle() const { return handle_; }
  Words words(const char* name) const { return static_cast<Words>(dlsym(handle_, name)); }
  inspect::MappedFile mapping() const {
    Dl_info info{};
    dladdr(dlsym(handle_, "smallblock_heap"), &info);
    constexpr std::uint64_t kBytes = 64 << 10;
    return {address_of(info.dli_fbase), address_of(info.dli_fbase) + kBytes, path_.string()};
  }

 private:
  void* handle_;
  files::path path_;
};

// Objects of CPython 3.12 and of C++, in blocks that stay.
class Objects {
 public:
  explicit Objects(const Library& library) : library_(library) {
    *library.words("Py_Version") = 0x030c00f0;
    make_type(library.words("PyType_Type"), "type", 928, 40, 1UL << 31 | 1UL << 14);
    make_type(library.words("PyFloat_Type"), "float", 24, 0, 0);
    make_type(library.words("PySet_Type"), "set", 200, 0, 1UL << 14);
    make_type(library.words("PyGen_Type"), "generator", 112, 8, 1UL << 14);
    make_type(type(0), "str", 64, 0, 1UL << 28);
    make_type(type(1), "int", 24, 4, 1UL << 24);
    make_type(type(2), "tuple", 24, 8, 1UL << 26 | 1UL << 14);
    make_type(type(3), "bytes", 33, 1, 1UL << 27);
    make_type(type(4), "Planted", 48, 0, 1UL << 14 | 1UL << 4);
    Words info = library.words("fake_classes") + 8;
    info[0] = address_of(library.words("_ZTVN10__cxxabiv117__class_type_infoE") + 2);
    info[1] = name("N3zoo3CatE");
    Words vtable = library.words("fake_classes");
    vtable[0] = 0;
    vtable[1] = address_of(info);
    cat_ = address_of(vtable + 2);
  }

  void make_all(unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
      object(24, address_of(library_.words("PyFloat_Type")), {0x3ff8000000000000});
      object(41 + 8, address_of(type(0)), {8, 7, 0x64, 0x6867666564636261});
      object(32, address_of(type(1)), {8, i + 1});
      object(16 + 24 + 24, address_of(type(2)), {3, 1, 2, 3}, 16);
      object(33 + 5, address_of(type(3)), {5, ~0UL, 0x6f6c6c6568});
      object(32 + 48, address_of(type(4)), {}, 32);
      object(16 + 200, address_of(library_.words("PySet_Type")), {4, 3}, 16);
      *static_cast<Words>(block(40)) = cat_;
    }
  }

  void drop_every(unsigned stride) {
    for (std::size_t i = 0; i < blocks_.size(); i += stride) {
      sb_free(blocks_[i]);
      blocks_[i] = nullptr;
    }
  }

 private:
  Words type(unsigned number) const { return library_.words("fake_types") + number * 64; }

  std::uint64_t name(const char* text) {
    char* place = reinterpret_cast<char*>(library_.words("fake_names")) + names_++ * 64;
    std::strcpy(place, text);
    return address_of(place);
  }

  void make_type(Words type, const char* type_name, std::uint64_t basic_bytes, std::uint64_t item_bytes,
                 std::uint64_t flags) {
    constexpr std::uint64_t kReady = 1UL << 12;
    type[0] = 1;
    type[1] = address_of(library_.words("PyType_Type"));
    type[3] = name(type_name);
    type[4] = basic_bytes;
    type[5] = item_bytes;
    type[21] = flags | kReady;
  }

  void* block(std::size_t bytes) {
    void* place = sb_calloc(1, bytes);
    blocks_.push_back(place);
    return place;
  }

  void object(std::size_t bytes, std::uint64_t type, const std::vector<std::uint64_t>& words,
              std::size_t before = 0) {
    Words place = static_cast<Words>(block(bytes)) + before / sizeof(std::uint64_t);
    place[0] = 1;
    place[1] = type;
    std::copy(words.begin(), words.end(), place + 2);
  }

  const Library& library_;
  unsigned names_ = 0;
  std::uint64_t cat_ = 0;
  std::vector<void*> blocks_;
};

void write(const files::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary) << bytes;
}

void write_seeds(const Library& library, const files::path& folder, const std::string& name) {
  std::memcpy(library.words("smallblock_heap"), &smallblock_heap, sizeof smallblock_heap);
  RecordingMemory source(library.handle());
  source.files = {library.mapping()};
  inspect::Snapshot snapshot;
  snapshot.image = inspect::walk(source, inspect::find_heap(source));
  snapshot.process = {4711, "python3 app.py", "3.12", 1 << 20, 1 << 19};
  inspect::BlockNames names(source);
  std::vector<const inspect::PoolImage*> pools;
  for (const inspect::PoolImage& pool : snapshot.image.pools) pools.push_back(&pool);
  snapshot.types = names.name_pools(snapshot.image, pools);
  for (inspect::TypeId id = 0; id < names.type_count(); ++id) snapshot.type_names.push_back(names.type_name(id));
  if (names.type_count() < 9) throw std::runtime_error("the objects in the seeds are not recognised");
  write(folder / "core" / name, without_zero_runs(core_dump(source.parts(), source.files)));
  write(folder / "snapshot" / (name + "_message"), inspect::write_message(snapshot));
  write(folder / "snapshot" / (name + "_file"), inspect::encode_snapshot(snapshot));
}

}  // namespace

}  // namespace smallblock::fuzz

int main(int count, char** words) {
  using namespace smallblock::fuzz;
  if (count != 3) return 2;
  const files::path folder(words[2]);
  try {
    for (const char* kind : {"core", "snapshot"}) {
      files::remove_all(folder / kind);
      files::create_directories(folder / kind);
    }
    const Library library(words[1]);
    Objects objects(library);
    objects.make_all(3);
    write_seeds(library, folder, "few");
    objects.make_all(40);
    objects.drop_every(3);
    sb_heap* heap = sb_heap_create();
    for (int i = 0; i < 20; ++i) static_cast<void>(sb_heap_alloc(heap, 3000));
    write_seeds(library, folder, "some");
    sb_trim();
    write_seeds(library, folder, "trimmed");
    sb_heap_destroy(heap);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "make_reader_seeds: %s\n", error.what());
    return 1;
  }
  return 0;
}
