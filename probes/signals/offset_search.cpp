#include "probes/signals/offset_search.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace qw::signals {
namespace {

using std::chrono::milliseconds;

// Systems stamp messages in milliseconds.
constexpr Nanoseconds kResolution = milliseconds(1);
constexpr Nanoseconds kFloor = milliseconds(500);
// A clock that is ahead by more is no clock that is ahead: single stamps from the future must not widen the
// error of all others. Messages that were kept back, or copied with their stamps, can be old.
constexpr Nanoseconds kMostLate = std::chrono::seconds(10);
constexpr Nanoseconds kMostEarly = std::chrono::hours(24);

WallTime whole_milliseconds(WallTime t) {
  return std::chrono::floor<milliseconds>(t);
}

}  // namespace

void OffsetTruths::add(const OffsetAt& answer, std::uint64_t end, std::uint32_t look) {
  const auto at = answer.question.at;
  const auto offset = answer.offset.value_or(end);
  // Where no message is that young, the next one may still be stamped before it.
  const auto timestamp = answer.timestamp.value_or(answer.offset ? at : WallTime::min());
  if (at <= kBeforeAll) {
    oldest_ = offset;
    if (!answer.offset) return;
  }
  const auto place = std::ranges::lower_bound(truths_, std::pair(offset, at), {},
                                              [](const Truth& t) { return std::pair(t.offset, t.at); });
  if (place != truths_.end() && place->offset == offset && place->at == at) {
    *place = {.offset = offset, .at = at, .timestamp = timestamp, .used = look};
    return;
  }
  truths_.insert(place, {.offset = offset, .at = at, .timestamp = timestamp, .used = look});
  if (truths_.size() > kMostTruths) truths_.erase(std::ranges::min_element(truths_, {}, &Truth::used));
}

OffsetTruths::Bracket OffsetTruths::bracket(std::uint64_t offset, WallTime latest, std::uint32_t look) {
  Bracket found;
  Truth* lower = nullptr;
  Truth* searched = nullptr;
  Truth* upper = nullptr;
  for (auto& truth : truths_) {
    if (truth.offset > offset) {
      if (truth.at > kBeforeAll && (!found.until || truth.at < *found.until)) {
        found.until = truth.at;
        upper = &truth;
      }
      continue;
    }
    const bool believed = truth.timestamp <= latest;
    if (believed && truth.timestamp > WallTime::min() && (!found.from || truth.timestamp > *found.from)) {
      found.from = truth.timestamp;
      lower = &truth;
    }
    const auto beyond = believed ? std::max(truth.timestamp, truth.at) : truth.at;
    if (!found.searched || beyond > *found.searched) {
      found.searched = beyond;
      searched = &truth;
    }
    // It is the message itself, and all before it are stamped before it.
    if (believed && truth.offset == offset && truth.timestamp > WallTime::min()) {
      const auto after = truth.timestamp + kResolution;
      if (!found.until || after < *found.until) {
        found.until = after;
        upper = &truth;
      }
    }
  }
  for (auto* truth : {lower, searched, upper}) {
    if (truth) truth->used = look;
  }
  return found;
}

void OffsetTruths::compare(const EndHistory& history, const OffsetAt& answer, const ClockTie& tie) {
  if (!answer.offset || !answer.timestamp) return;
  const auto passed = history.passed(*answer.offset);
  if (!passed) return;
  const auto stamped = *answer.timestamp;
  const auto before = tie.wall(passed->before);
  if (stamped > before && stamped <= before + kMostLate)
    late_ = std::max(late_, Nanoseconds(stamped - before));
  if (!passed->after) return;
  const auto after = tie.wall(*passed->after);
  if (stamped < after) early_ = std::max(early_, std::min(kMostEarly, Nanoseconds(after - stamped)));
}

void OffsetTruths::truncate(std::uint64_t end) {
  std::erase_if(truths_, [end](const Truth& truth) { return truth.offset >= end; });
}

Nanoseconds tolerance(Nanoseconds age) {
  return std::max(kFloor, age / 25);
}

std::optional<Dated> date(const EndHistory& history, OffsetTruths* truths, const std::optional<ClockTie>& tie,
                          std::uint64_t offset, SteadyTime now, std::uint32_t look, std::size_t* near) {
  const auto passed = history.passed(offset, near);
  if (!passed) return std::nullopt;
  Dated dated{.earliest = passed->after.value_or(SteadyTime::min()),
              .latest = passed->before,
              .about = passed->about,
              .by = passed->after ? DatedBy::history : DatedBy::at_least};
  if (!truths || !tie) return dated;
  const auto stamps = truths->bracket(offset, tie->wall(passed->before) + truths->late(), look);
  const auto from = stamps.from ? tie->steady(*stamps.from) - truths->late() : SteadyTime::min();
  const auto until = stamps.until ? tie->steady(*stamps.until) + truths->early() : SteadyTime::max();
  // Stamps that contradict what we saw ourselves are not believed.
  if (from > dated.latest || until < dated.earliest || until < from) return dated;
  const bool narrowed = from > dated.earliest || until < dated.latest;
  dated.earliest = std::max(dated.earliest, from);
  dated.latest = std::min(dated.latest, until);
  if (dated.earliest == SteadyTime::min()) return dated.about = dated.latest, dated;
  if (narrowed) dated.by = DatedBy::bisection;
  const auto width = dated.latest - dated.earliest;
  if (passed->after) {
    dated.about = std::clamp(dated.about, dated.earliest, dated.latest);
  } else if (width <= 2 * tolerance(now - dated.latest)) {
    dated.about = dated.earliest + width / 2;
  } else {
    dated.about = dated.latest;  // the search is not at its end: what is sure
  }
  return dated;
}

std::optional<WallTime> next_question(const EndHistory& history, OffsetTruths* truths,
                                      const std::optional<ClockTie>& tie, std::uint64_t offset,
                                      SteadyTime now, std::uint32_t look) {
  const auto passed = history.passed(offset);
  if (!passed) return std::nullopt;
  if (passed->after && passed->before - *passed->after <= 2 * tolerance(now - passed->before))
    return std::nullopt;
  // Stamps that are further off than our own looks are apart tell nothing new.
  if (passed->after && truths && (truths->early() + truths->late()) * 2 > passed->before - *passed->after) {
    return std::nullopt;
  }
  const bool knows_oldest = truths && truths->oldest();
  if (!tie) return knows_oldest ? std::nullopt : std::optional(kBeforeAll);

  auto until = tie->wall(passed->before);
  std::optional<WallTime> from;
  if (passed->after) from = tie->wall(*passed->after);
  if (truths) {
    const auto stamps = truths->bracket(offset, until + truths->late(), look);
    if (stamps.until) until = std::min(until, *stamps.until);
    if (stamps.searched) from = std::max(from, stamps.searched);
  }
  if (!from) return knows_oldest ? std::nullopt : std::optional(kBeforeAll);

  // Each answer should halve the error in proportion to the age: days are as near as minutes then.
  const auto youngest = std::max(kFloor, Nanoseconds(tie->wall(now) - until));
  const auto eldest = Nanoseconds(tie->wall(now) - *from);
  if (until - *from <= 2 * tolerance(youngest)) return std::nullopt;
  auto age = youngest + (eldest - youngest) / 2;
  if (eldest > 2 * youngest) {
    age = Nanoseconds(static_cast<Nanoseconds::rep>(std::sqrt(static_cast<double>(youngest.count())) *
                                                    std::sqrt(static_cast<double>(eldest.count()))));
  }
  const auto at = whole_milliseconds(tie->wall(now) - age);
  if (at <= *from || at >= until) return std::nullopt;
  return at;
}

}  // namespace qw::signals
