// See quarantine.hpp.

#include "check/quarantine.hpp"

#include "os/port.hpp"

namespace smallblock::check {

constinit Quarantine quarantine;

bool Quarantine::reserve() noexcept {
  if (places_ != nullptr) return true;
  void* memory = os::reserve(kBytes, 64_KiB);
  if (memory == nullptr) return false;
  if (!os::commit(memory, kBytes)) {
    os::unreserve(memory, kBytes);
    return false;
  }
  places_ = static_cast<Held*>(memory);
  return true;
}

void Quarantine::release() noexcept {
  if (places_ != nullptr) os::unreserve(places_, kBytes);
  places_ = nullptr;
}

bool Quarantine::push(void* block, Bytes bytes) noexcept {
  if (pushed_ - popped_ == kPlaces) return false;
  places_[pushed_++ % kPlaces] = {block, bytes};
  bytes_ += bytes;
  return true;
}

Quarantine::Held Quarantine::pop() noexcept {
  if (pushed_ == popped_) return {nullptr, 0};
  const Held held = places_[popped_++ % kPlaces];
  bytes_ -= held.bytes;
  return held;
}

}  // namespace smallblock::check
