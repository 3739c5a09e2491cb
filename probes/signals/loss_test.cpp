#include "probes/signals/loss_test.hpp"

#include <algorithm>
#include <cmath>

namespace qw::signals {
namespace {

/// A way that loses one in a thousand gives a false call after at least e^this looks, on average (Lorden); in
/// fact after many more. A cleared verdict costs less when it is wrong: it comes again.
const double kEnoughToConfirm = std::log(1e6);
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

void LossTest::look(std::uint64_t sent, std::uint64_t lost, std::uint64_t late) {
  if (late > 0 && last_lost_ > 0) {
    last_lost_ -= std::min(last_lost_, late);
    if (last_lost_ == 0) add(evidence_of(last_sent_, false) - evidence_of(last_sent_, true), 0);
  }
  if (sent == 0) return;
  last_sent_ = sent;
  last_lost_ = std::min(lost, sent);
  add(evidence_of(sent, last_lost_ > 0), sent);
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
