// The engine's base/relaxed.hpp, as it is, with a scheduling point at each of its atomic operations.
#pragma once

// For #include_next.
#pragma GCC system_header

#include "../../points.hpp"

#define __atomic_load_n(place, order) ::smallblock::schedules::load(place, order)
#define __atomic_store_n(place, value, order) ::smallblock::schedules::store(place, value, order)
#define __atomic_exchange_n(place, value, order) ::smallblock::schedules::exchange(place, value, order)
#include_next "base/relaxed.hpp"
#undef __atomic_load_n
#undef __atomic_store_n
#undef __atomic_exchange_n
