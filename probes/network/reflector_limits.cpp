#include "probes/network/reflector_limits.hpp"

#include <algorithm>
#include <array>

namespace qw::probes {
namespace {

using boost::asio::ip::address;

constexpr std::size_t kBuckets = 4096;
constexpr Nanoseconds kSweepEvery = std::chrono::seconds(1);

std::uint64_t mix(std::uint64_t hash, std::uint64_t value) {
  hash = (hash ^ value) * 0x9e37'79b9'7f4a'7c15U;
  return hash ^ (hash >> 29U);
}

std::uint64_t hash_address(std::uint64_t hash, const address& of) {
  if (of.is_v4()) return mix(hash, of.to_v4().to_uint());
  const auto bytes = of.to_v6().to_bytes();
  for (std::size_t i = 0; i < bytes.size(); i += 8) {
    std::uint64_t word = 0;
    for (std::size_t k = 0; k < 8; ++k) word = word << 8U | bytes[i + k];
    hash = mix(hash, word);
  }
  return hash;
}

}  // namespace

bool RateLimit::take(SteadyTime now) {
  tokens_ = std::min(rate_, tokens_ + rate_ * std::max(0.0, seconds(now - last_)));
  last_ = now;
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  return true;
}

ReflectorLimits::ReflectorLimits(double per_second, double per_second_and_source, std::uint64_t secret)
    : secret_(secret), total_(per_second), sources_(kBuckets, RateLimit(per_second_and_source)) {}

/// The source comes first: one that is over its own limit uses up nothing of the others'.
Admission ReflectorLimits::admit(const address& source, SteadyTime now) {
  auto& bucket = sources_[hash_address(secret_, source) % sources_.size()];
  if (!bucket.take(now)) return Admission::source_limit;
  return total_.take(now) ? Admission::admitted : Admission::total_limit;
}

std::size_t ReflectorSessions::Hash::operator()(const Key& key) const {
  return hash_address(mix(secret, std::uint64_t(key.from.port()) << 16U | key.session), key.from.address());
}

std::optional<std::uint32_t> ReflectorSessions::count(const Key& key, SteadyTime now) {
  auto found = known_.find(key);
  if (found == known_.end()) {
    if (known_.size() >= kMost) forget_idle(now);
    if (known_.size() >= kMost) return std::nullopt;
    found = known_.try_emplace(key).first;
  }
  found->second.last = now;
  return found->second.next++;
}

void ReflectorSessions::left(const Key& key, const Left& answer) {
  const auto found = known_.find(key);
  if (found == known_.end()) return;
  auto& last = found->second.left;
  if (last && static_cast<std::int32_t>(answer.number - last->number) <= 0) return;
  last = answer;
}

std::optional<ReflectorSessions::Left> ReflectorSessions::last_left(const Key& key) const {
  const auto found = known_.find(key);
  return found == known_.end() ? std::nullopt : found->second.left;
}

std::optional<SteadyTime> ReflectorSessions::last_heard(const address& from) const {
  std::optional<SteadyTime> last;
  for (const auto& [key, session] : known_) {
    if (key.from.address() == from) last = std::max(last.value_or(session.last), session.last);
  }
  return last;
}

void ReflectorSessions::forget_idle(SteadyTime now) {
  if (now - swept_ < kSweepEvery) return;
  swept_ = now;
  std::erase_if(known_, [now](const auto& entry) { return now - entry.second.last > kIdle; });
}

}  // namespace qw::probes
