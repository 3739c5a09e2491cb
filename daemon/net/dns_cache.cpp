#include "daemon/net/dns_cache.hpp"

#include <algorithm>

namespace qw::net {

template <class Value>
std::optional<typename AnswerCache<Value>::Found> AnswerCache<Value>::find(const std::string& name,
                                                                           SteadyTime now) const {
  const auto at = entries_.find(name);
  if (at == entries_.end()) return std::nullopt;
  const Entry& entry = at->second;
  if (now >= entry.fresh_until + kStale) return std::nullopt;
  Found found;
  found.value = entry.value;
  found.fresh = now < entry.fresh_until;
  found.refresh_failed = entry.refresh_failed;
  return found;
}

template <class Value>
void AnswerCache<Value>::put(const std::string& name, Value value, Nanoseconds ttl, SteadyTime now) {
  erase(name);
  if (entries_.size() >= max_names_) erase(std::string(by_age_.front()));
  Entry entry;
  entry.value = std::move(value);
  entry.answered = now;
  entry.fresh_until = now + std::clamp(ttl, kMinTtl, kMaxTtl);
  entry.age = by_age_.insert(by_age_.end(), name);
  entries_.emplace(name, std::move(entry));
}

template <class Value>
void AnswerCache<Value>::refresh_failed(const std::string& name, SteadyTime now) {
  const auto at = entries_.find(name);
  if (at != entries_.end()) at->second.refresh_failed = now;
}

template <class Value>
std::optional<Nanoseconds> AnswerCache<Value>::age(SteadyTime now) const {
  std::optional<Nanoseconds> oldest;
  for (const auto& [name, entry] : entries_) {
    if (now < entry.fresh_until + kStale) oldest = std::max(oldest, std::optional(now - entry.answered));
  }
  return oldest;
}

template <class Value>
void AnswerCache<Value>::erase(const std::string& name) {
  const auto at = entries_.find(name);
  if (at == entries_.end()) return;
  by_age_.erase(at->second.age);
  entries_.erase(at);
}

template class AnswerCache<std::vector<boost::asio::ip::address>>;
template class AnswerCache<std::vector<Service>>;

}  // namespace qw::net
