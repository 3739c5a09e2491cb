#include "probes/signals/loss_test.hpp"

#include <algorithm>
#include <cmath>

namespace qw::signals {
namespace {

/// A way that loses one in a thousand gives a false call after at least e^this slices, on average (Lorden);
/// in fact after many more (tests/unit/signals/loss_truth_test.cpp). A cleared verdict costs less when it is
/// wrong: it comes again.
const double kEnoughToConfirm = std::log(3e6);
const double kEnoughToClear = std::log(1e3);

/// How much likelier the look is on a harmful way than on a harmless one, as a logarithm.
double evidence_of(std::uint64_t sent, bool lost) {
  const auto n = static_cast<double>(sent);
  const double none_if_harmful = n * std::log1p(-LossTest::kHarmful);
  const double none_if_harmless = n * std::log1p(-LossTest::kHarmless);
  if (!lost) return none_if_harmful - none_if_harmless;
  return std::log(-std::expm1(none_if_harmful)) - std::log(-std::expm1(none_if_harmless));
}

}  // namespace

void LossTest::look(std::uint64_t sent, std::uint64_t lost, std::uint64_t late,
                    std::span<const std::uint64_t> places) {
  if (late > 0 && last_lost_ > 0) {
    last_lost_ -= std::min(last_lost_, late);
    if (last_lost_ == 0) add(-last_for_loss_, 0);
  }
  if (sent == 0) return;
  last_lost_ = std::min(lost, sent);
  last_for_loss_ = 0;
  if (places.empty()) return add_slice(sent, last_lost_ > 0);
  bool run = false;
  for (std::uint64_t from = 0; from < sent; from += kSlice) {
    const auto size = std::min(kSlice, sent - from);
    const auto in_slice = [&](std::uint64_t place) { return place >= from && place < from + size; };
    const bool lossy = std::ranges::any_of(places, in_slice);
    // What goes on is the same event.
    if (lossy && run) {
      add(0, size);
    } else {
      add_slice(size, lossy);
    }
    run = lossy;
  }
}

void LossTest::add_slice(std::uint64_t sent, bool lost) {
  const double evidence = evidence_of(sent, lost);
  if (lost) last_for_loss_ += evidence - evidence_of(sent, false);
  add(evidence, sent);
}

void LossTest::add(double evidence, std::uint64_t sent) {
  packets_ += sent;
  gathered_ += sent;
  evidence_ += confirmed_ ? -evidence : evidence;
  if (evidence_ <= 0) {
    evidence_ = 0;
    gathered_ = 0;
    return;
  }
  if (evidence_ < (confirmed_ ? kEnoughToClear : kEnoughToConfirm)) return;
  confirmed_ = !confirmed_;
  evidence_ = 0;
  packets_ = gathered_;
  gathered_ = 0;
}

double LossTest::progress() const {
  return evidence_ / (confirmed_ ? kEnoughToClear : kEnoughToConfirm);
}

}  // namespace qw::signals
