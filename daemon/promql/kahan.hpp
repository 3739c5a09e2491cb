#pragma once
#include <cmath>

namespace qw::promql {

/// A sum that keeps what rounding loses (Kahan's method with Neumaier's improvement), step by step as
/// Prometheus computes it: the last bits decide whether `==` holds.
struct KahanSum {
  double sum = 0;
  double lost = 0;

  void add(double value) {
    const double next = sum + value;
    if (std::isinf(next)) {
      lost = 0;
    } else if (std::abs(sum) >= std::abs(value)) {
      lost += (sum - next) + value;
    } else {
      lost += (value - next) + sum;
    }
    sum = next;
  }
  double total() const { return sum + lost; }
};

/// The mean of values that come one by one: their sum divided at the end, or where that overflows the running
/// mean.
class KahanMean {
 public:
  void add(double value) {
    ++count_;
    if (count_ == 1) {
      state_.sum = value;
      return;
    }
    if (!running_) {
      KahanSum next = state_;
      next.add(value);
      if (!std::isinf(next.sum)) {
        state_ = next;
        return;
      }
      running_ = true;
      state_.sum /= count_ - 1;
      state_.lost /= count_ - 1;
    }
    const double share = (count_ - 1) / count_;
    state_.sum *= share;
    state_.lost *= share;
    state_.add(value / count_);
  }
  double mean() const { return running_ ? state_.total() : state_.sum / count_ + state_.lost / count_; }

 private:
  KahanSum state_;
  double count_ = 0;
  bool running_ = false;
};

/// Whether a running mean that is infinite stays what it is, as Prometheus 2.x has it.
inline bool keeps_infinite_mean(double mean, double value) {
  if (!std::isinf(mean)) return false;
  return std::isinf(value) ? (mean > 0) == (value > 0) : !std::isnan(value);
}

}  // namespace qw::promql
