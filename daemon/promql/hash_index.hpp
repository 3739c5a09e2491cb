#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace qw::promql {

/// Numbers hashes in the order in which they come first. Faster than a map: it holds nothing but the hashes,
/// which are good ones already.
class HashIndex {
 public:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  explicit HashIndex(std::size_t expected) : slots_(std::bit_ceil(expected * 2 + 2)) {}

  /// The number of `hash`, a new one where it was not there.
  std::size_t add(std::uint64_t hash) {
    if (size_ * 2 >= slots_.size()) grow();
    Slot& slot = find_slot(hash);
    if (slot.number == 0) slot = {.hash = hash, .number = ++size_};
    return slot.number - 1;
  }
  std::size_t find(std::uint64_t hash) const {
    for (std::size_t i = hash & mask(); slots_[i].number != 0; i = (i + 1) & mask()) {
      if (slots_[i].hash == hash) return slots_[i].number - 1;
    }
    return kNone;
  }
  std::size_t size() const { return size_; }

 private:
  struct Slot {
    std::uint64_t hash = 0;
    std::size_t number = 0;  ///< from 1; 0: free
  };
  std::size_t mask() const { return slots_.size() - 1; }
  Slot& find_slot(std::uint64_t hash) {
    std::size_t i = hash & mask();
    while (slots_[i].number != 0 && slots_[i].hash != hash) i = (i + 1) & mask();
    return slots_[i];
  }
  void grow() {
    std::vector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    for (const auto& slot : old) {
      if (slot.number != 0) find_slot(slot.hash) = slot;
    }
  }

  std::vector<Slot> slots_;
  std::size_t size_ = 0;
};

}  // namespace qw::promql
