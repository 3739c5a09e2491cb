#include "probes/network/ladder.hpp"

#include <algorithm>

namespace qw::probes {

std::vector<Ladder::Share> Ladder::plan() const {
  const bool doubtful = silent_ > 0 || !ever_[rung_];
  std::vector<Share> out(ever_.size(), doubtful ? Share::knock : Share::none);
  std::ranges::fill_n(out.begin(), static_cast<std::ptrdiff_t>(rung_), Share::knock);
  out[rung_] = Share::full;
  return out;
}

std::vector<bool> Ladder::observe(std::span<const Heard> heard) {
  const auto before = rung_;
  const auto best =
      static_cast<std::size_t>(std::ranges::find(heard, true, &Heard::answered) - heard.begin());
  const bool anybody = best < heard.size();
  if (heard[before].answered) {
    silent_ = 0;
  } else {
    ++silent_;
  }
  const bool given_up = !ever_[before] || heard[before].refused || silent_ >= kPatience;
  const bool was_answered = ever_[before];
  for (std::size_t i = 0; i < heard.size(); ++i) ever_[i] = ever_[i] || heard[i].answered;
  if (anybody && (best <= before || given_up)) {
    rung_ = best;
    silent_ = 0;
  }
  std::vector<bool> out(heard.size());
  for (std::size_t i = 0; i < heard.size(); ++i) {
    out[i] = heard[i].answered || i == rung_ || (i == before && (was_answered || !anybody));
  }
  return out;
}

}  // namespace qw::probes
