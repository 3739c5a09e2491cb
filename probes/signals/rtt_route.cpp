#include "probes/signals/rtt_route.hpp"

#include <algorithm>
#include <cmath>

namespace qw::signals {
namespace {

/// While a loss is confirmed and the schedule's packets all come through, it is tested again so often.
constexpr Nanoseconds kRecheck = std::chrono::seconds(30);
/// What settles a suspicion within a round or two: chance takes back a false one within a few hundred
/// packets, and the proof of a true one takes about a thousand.
constexpr std::uint32_t kLossBurst = 500;
/// Enough for a median that no outlier moves.
constexpr std::uint32_t kDelayBurst = 20;
constexpr std::uint64_t kSilence = 3;
constexpr Nanoseconds kPatience = std::chrono::minutes(1);
constexpr std::uint64_t kLeastOfPath = 20;

Nanoseconds median_of(std::vector<Nanoseconds>& values) {
  const auto low = values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) / 2);
  const auto high = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), high, values.end());
  std::nth_element(values.begin(), low, high);
  return *low + (*high - *low) / 2;
}

/// Where among all packets of a look the lost ones were, as far as it is told: packets of several ways are
/// sent in turn, at equal distances.
std::vector<std::uint64_t> places_of(std::span<const PacketTrain* const> trains, std::uint64_t sent) {
  std::vector<SteadyTime> lost;
  auto first = SteadyTime::max();
  SteadyTime last;
  for (const auto* train : trains) {
    lost.insert(lost.end(), train->lost_at.begin(), train->lost_at.end());
    if (train->sent == 0) continue;
    first = std::min(first, train->asked.sent);
    last = std::max(last, train->last_sent);
  }
  std::ranges::sort(lost);
  std::vector<std::uint64_t> places;
  if (last <= first) return places;
  for (const auto at : lost) {
    const double part = seconds(std::clamp(at, first, last) - first) / seconds(last - first);
    places.push_back(static_cast<std::uint64_t>(part * static_cast<double>(sent - 1)));
  }
  return places;
}

}  // namespace

void LossVerdict::look(const Look& look) {
  test_.look(look.sent, look.lost, look.late, look.places);
  if (!look.extra) spread_.look(look.at, look.sent, look.lost - std::min(look.lost, look.late));
}

std::uint64_t LossVerdict::packets(SteadyTime now) {
  return test_.confirmed() || !spread_.confirmed(now) ? test_.packets() : spread_.packets(now);
}

void PacketCounts::add(const PacketTrain& train) {
  sent += train.sent;
  received += std::min(train.received, train.sent);
  late += train.late;
  duplicates += train.duplicates;
  reordered += train.reordered;
  disturbed += train.disturbed;
}

void PacketCounts::add(const PacketCounts& other) {
  sent += other.sent;
  received += other.received;
  late += other.late;
  duplicates += other.duplicates;
  reordered += other.reordered;
  disturbed += other.disturbed;
  lost_forward += other.lost_forward;
  lost_backward += other.lost_backward;
  lost_somewhere += other.lost_somewhere;
}

std::uint64_t PacketCounts::lost() const {
  const auto back = received + late;
  return sent - std::min(sent, back);
}

void LossDirections::add(const PacketTrain& train, PacketCounts& counts) {
  const auto lost = train.sent - std::min(train.sent, train.received);
  const auto open = pending_ + lost;
  if (train.lost_forward && train.lost_backward) {
    last_told_ = train.asked.received;
    const auto forward = std::min(*train.lost_forward, open);
    const auto backward = std::min(*train.lost_backward, open - forward);
    const auto rest = open - forward - backward;
    counts.lost_forward += forward;
    counts.lost_backward += backward;
    pending_ = std::min(rest, lost);
    counts.lost_somewhere += rest - pending_;
    return;
  }
  // Who never tells, or has been silent for long, leaves them unknown; what he says later of the same packets
  // finds nothing open.
  const bool may_tell = last_told_ != SteadyTime() && train.asked.received - last_told_ < kPatience;
  pending_ = may_tell ? open : 0;
  counts.lost_somewhere += may_tell ? 0 : open;
}

void RttRoute::begin() {
  asked_ = degraded_ = false;
  trips_.clear();
  held_.clear();
  send_lag_.reset();
  for (auto& [name, path] : paths_) path.values.clear();
}

/// The entry of a way. Beyond the cap, and for good, the rest counts for the member alone.
RttRoute::Path* RttRoute::path(const std::string& name, SteadyTime now) {
  auto found = paths_.find(name);
  if (found == paths_.end()) {
    if (paths_.size() >= kMostPaths) return nullptr;
    found = paths_.try_emplace(name).first;
  }
  found->second.last_asked = now;
  return &found->second;
}

void RttRoute::add(const RoundTrip& trip) {
  const auto now = trip.asked.received;
  asked_ = true;
  last_asked_ = std::max(last_asked_, now);
  const auto value = std::max(trip.value, Nanoseconds(0));
  histogram_.add(value);
  recent_.add(now, value);
  shift_.add(value);
  wire_.add(value);
  if (trip.held) peer_.add(*trip.held);
  if (trip.send_lag) {
    self_.add(*trip.send_lag);
    send_lag_ = std::max(send_lag_, trip.send_lag);
  }
  if (auto* way = path(trip.path, now)) {
    // RFC 3550 6.4.1, with the difference of two round trips for that of two transit times.
    if (way->last) {
      const double before = jitter_.value_or(0);
      jitter_ = before + (std::abs(static_cast<double>((value - *way->last).count())) - before) / 16;
    }
    way->last = value;
    if (way->values.size() < kMostTrips) way->values.push_back(value);
  }
  if (trips_.size() == kMostTrips) return;
  trips_.push_back({value, trip.error.value_or(Nanoseconds(-1))});
  if (trip.held) held_.push_back(*trip.held);
}

void RttRoute::add(std::span<const PacketTrain* const> trains) {
  PacketCounts look;
  bool extra = false;
  for (const auto* train : trains) {
    const auto now = train->asked.received;
    asked_ = true;
    last_asked_ = std::max(last_asked_, now);
    degraded_ |= !train->degraded_from.empty();
    tells_direction_ |= train->lost_forward.has_value() && train->lost_backward.has_value();
    extra |= train->extra;
    look.add(*train);
    count_path(*train, look);
  }
  // The ways of one look share their fate: it is judged as one.
  counts_.add(look);
  minute_.at(last_asked_).add(look);
  judge(look, places_of(trains, look.sent), extra);
}

void RttRoute::count_path(const PacketTrain& train, PacketCounts& look) {
  auto* way = path(train.path, train.asked.received);
  if (way == nullptr) {
    LossDirections().add(train, look);
    return;
  }
  way->directions.add(train, look);
  const auto minute =
      std::chrono::floor<std::chrono::minutes>(train.asked.received).time_since_epoch().count();
  if (minute != way->minute) {
    way->before = minute == way->minute + 1 ? way->present : PacketCounts();
    way->present = {};
    way->minute = minute;
  }
  way->present.add(train);
  // Ways that are no longer taken (another port, another address) make room.
  std::erase_if(paths_, [&](const auto& entry) {
    return entry.second.last_asked + std::chrono::minutes(5) < train.asked.received;
  });
}

/// Which of the lost ones were lost in which direction is not told, only how many: nearly always all in one.
void RttRoute::judge(const PacketCounts& look, std::span<const std::uint64_t> places, bool extra) {
  const auto lost = look.sent - look.received;
  last_look_clean_ = lost == 0;
  last_look_silent_ = look.sent >= kSilence && look.received == 0;
  loss_.look({last_asked_, look.sent, lost, look.late, extra, places});
  if (tells_direction_) {
    const auto forward = places.first(std::min<std::size_t>(places.size(), look.lost_forward));
    forward_.look({last_asked_, look.sent, look.lost_forward, 0, extra, forward});
    const auto arrived = look.sent - std::min(look.sent, look.lost_forward);
    const auto backward = places.last(std::min<std::size_t>(places.size(), look.lost_backward));
    backward_.look({last_asked_, arrived, look.lost_backward, 0, extra, backward});
  }
  if (!extra) return;
  shift_.settle();
  if (loss_.test().confirmed()) recheck_ = last_asked_ + kRecheck;
}

RttRoute::Wish RttRoute::wish(SteadyTime now) const {
  if (!has_trains() || last_look_silent_) return {};
  Wish wish;
  for (const auto* verdict : {&loss_, &forward_, &backward_}) {
    const auto& test = verdict->test();
    if (!test.undecided() || (test.confirmed() && (!last_look_clean_ || now < recheck_))) continue;
    wish.packets = kLossBurst;
    wish.urgency = std::max(wish.urgency, test.progress());
  }
  if (wish.packets == 0 && shift_.suspicious()) wish.packets = kDelayBurst;
  return wish;
}

std::optional<RttRoute::Trip> RttRoute::median() {
  if (trips_.empty()) return std::nullopt;
  std::ranges::sort(trips_, {}, &Trip::value);
  const auto& low = trips_[(trips_.size() - 1) / 2];
  const auto& high = trips_[trips_.size() / 2];
  const bool known = low.error.count() >= 0 && high.error.count() >= 0;
  return Trip{low.value + (high.value - low.value) / 2,
              known ? std::max(low.error, high.error) : Nanoseconds(-1)};
}

std::optional<Nanoseconds> RttRoute::median_held() {
  return held_.empty() ? std::nullopt : std::optional(median_of(held_));
}

std::optional<Nanoseconds> RttRoute::path_spread() {
  std::optional<Nanoseconds> least, most;
  std::size_t ways = 0;
  for (auto& [name, path] : paths_) {
    if (path.values.empty()) continue;
    ++ways;
    const auto median = median_of(path.values);
    least = least ? std::min(*least, median) : median;
    most = most ? std::max(*most, median) : median;
  }
  return ways > 1 ? std::optional(*most - *least) : std::nullopt;
}

PacketCounts RttRoute::last_minute(SteadyTime now) {
  PacketCounts sum;
  for (const auto& slice : minute_.window(now)) sum.add(slice);
  return sum;
}

std::optional<double> RttRoute::worst_path_loss() const {
  if (paths_.size() < 2) return std::nullopt;
  std::optional<double> worst;
  for (const auto& [name, path] : paths_) {
    const auto sent = path.before.sent + path.present.sent;
    if (sent < kLeastOfPath) continue;
    const auto lost =
        static_cast<double>(path.before.lost() + path.present.lost()) / static_cast<double>(sent);
    worst = std::max(worst.value_or(0), lost);
  }
  return worst;
}

}  // namespace qw::signals
