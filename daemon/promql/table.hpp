#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "daemon/promql/ast.hpp"
#include "daemon/promql/rows.hpp"

namespace qw::promql {

/// The instants at which something is evaluated.
struct Grid {
  Millis start = 0;
  Millis step = 1;
  std::size_t count = 1;

  Millis at(std::size_t i) const { return start + static_cast<Millis>(i) * step; }
  Millis last() const { return at(count - 1); }
};

/// In a cell: there is no sample at this instant. It is the bits of the store's stale marker, which never is
/// a value (it is a signalling NaN: what is computed with it is another NaN).
inline constexpr std::uint64_t kAbsentBits = 0x7ff0000000000002;
inline constexpr double kAbsent = std::bit_cast<double>(kAbsentBits);
constexpr bool is_absent(double cell) {
  return std::bit_cast<std::uint64_t>(cell) == kAbsentBits;
}

/// Counts the samples that are held at one time.
struct SampleCount {
  std::size_t now = 0;
  std::size_t most = 0;  ///< more are refused
};

/// A part of the count, given back at the end.
class HeldSamples {
 public:
  HeldSamples() = default;
  HeldSamples(SampleCount& count, std::size_t samples) : count_(&count), samples_(samples) {
    count.now += samples;
  }
  HeldSamples(HeldSamples&& other) noexcept
      : count_(std::exchange(other.count_, nullptr)), samples_(other.samples_) {}
  HeldSamples& operator=(HeldSamples&& other) noexcept {
    std::swap(count_, other.count_);
    std::swap(samples_, other.samples_);
    return *this;
  }
  ~HeldSamples() {
    if (count_) count_->now -= samples_;
  }

 private:
  SampleCount* count_ = nullptr;
  std::size_t samples_ = 0;
};

/// An instant vector at every instant of a grid. Row by row, so that each label set is dealt with once.
struct Table {
  std::vector<Row> rows;      ///< no two have the same labels
  std::vector<double> cells;  ///< rows times instants
  std::size_t steps = 1;
  /// No two rows have the same labels even without their names, so dropping names needs no check.
  bool distinct = false;
  HeldSamples held;

  std::span<double> cells_of(std::size_t row) { return {cells.data() + row * steps, steps}; }
  std::span<const double> cells_of(std::size_t row) const { return {cells.data() + row * steps, steps}; }
  void add(const Row& row, double fill) {
    rows.push_back(row);
    cells.resize(cells.size() + steps, fill);
  }
};

/// Takes out rows without any sample.
void compact(Table& table);
/// Rows that have come to the same labels become one. False when two of them have a sample at one instant.
bool merge_equal_rows(Table& table);
/// Whether two rows with samples have the same labels.
bool has_equal_rows(const Table& table);

}  // namespace qw::promql
