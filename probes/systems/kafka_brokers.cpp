#include "probes/systems/kafka_brokers.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace qw::probes {
namespace {

/// A cluster of more would be a mistake in somebody's reply.
constexpr std::size_t kMostBrokers = 1000;

}  // namespace

void KafkaBrokers::update(const KafkaCluster& cluster) {
  const auto expected = cluster.expected();
  for (const auto& broker : brokers_) {
    broker->announced = false;
    broker->gone = !std::ranges::binary_search(expected, broker->address.id);
  }
  for (const auto& address : cluster.brokers()) {
    const auto known = std::ranges::find_if(brokers_, [&address](const auto& broker) {
      return broker->address.id == address.id && broker->address.name == address.name;
    });
    if (known != brokers_.end()) {
      (*known)->announced = true;
      (*known)->gone = false;
      continue;
    }
    // The same broker at another address.
    for (const auto& broker : brokers_) {
      if (broker->address.id == address.id) broker->gone = true;
    }
    if (brokers_.size() >= kMostBrokers) break;
    brokers_.push_back(std::make_unique<KafkaBroker>(address, access_.connect({address.host, address.port})));
  }
  missed_.clear();
  for (const auto id : expected) {
    if (find(id) == nullptr) missed_.push_back(id);
  }
}

void KafkaBrokers::begin_round() {
  std::erase_if(brokers_, [](const auto& broker) { return broker->gone; });
  for (const auto& broker : brokers_) broker->trouble.reset();
}

KafkaBroker* KafkaBrokers::find(std::int32_t id) {
  const auto found = std::ranges::find_if(
      brokers_, [id](const auto& broker) { return broker->address.id == id && !broker->gone; });
  return found == brokers_.end() ? nullptr : found->get();
}

std::string KafkaBrokers::name_of(std::int32_t id) const {
  const auto found = std::ranges::find_if(
      brokers_, [id](const auto& broker) { return broker->address.id == id && !broker->gone; });
  return found == brokers_.end() ? fmt::format("broker {}", id) : (*found)->name();
}

std::vector<KafkaBroker*> KafkaBrokers::all() {
  std::vector<KafkaBroker*> found;
  for (const auto& broker : brokers_) {
    if (!broker->gone) found.push_back(broker.get());
  }
  return found;
}

std::vector<KafkaBroker*> KafkaBrokers::well(std::uint64_t round) {
  auto found = all();
  std::erase_if(found, [](const KafkaBroker* broker) { return !broker->well; });
  if (!found.empty())
    std::ranges::rotate(found, found.begin() + static_cast<std::ptrdiff_t>(round % found.size()));
  return found;
}

Task<bool> KafkaBrokers::open(KafkaBroker& broker, std::string_view what, SteadyTime deadline) {
  const SteadyTime since = access_.clock.steady();
  auto opened = co_await broker.connection.open(deadline);
  broker.well = opened.has_value();
  if (!opened) fail_broker(broker, what, since, opened.error());
  co_return broker.well;
}

Task<bool> KafkaBrokers::converse(KafkaBroker& broker, std::string_view what,
                                  std::vector<KafkaRequest> requests, KafkaTake take, SteadyTime deadline) {
  if (requests.empty()) co_return true;
  const SteadyTime since = access_.clock.steady();
  auto done = co_await broker.connection.exchange(std::move(requests), std::move(take), deadline);
  broker.well = done.has_value();
  if (!done) fail_broker(broker, what, since, done.error());
  co_return broker.well;
}

void KafkaBrokers::refused(KafkaBroker& broker, std::string_view what, Asked asked, const Error& error) {
  if (!broker.trouble) broker.trouble = Unanswered{broker.name(), asked, error.within(what)};
}

void KafkaBrokers::fail_broker(KafkaBroker& broker, std::string_view what, SteadyTime sent,
                               const Error& error) {
  refused(broker, what, {sent, access_.clock.steady()}, error);
}

void KafkaBrokers::add_unanswered(Facts& into) const {
  for (const auto& broker : brokers_) {
    if (!broker->gone && broker->trouble) into.unanswered.push_back(*broker->trouble);
  }
}

void KafkaBrokers::add_readings(const KafkaCluster& cluster, Facts& into) const {
  const SteadyTime now = access_.clock.steady();
  for (const auto& broker : brokers_) {
    if (broker->gone) continue;
    into.readings.push_back({&kKafkaBrokerUp, {{"member", broker->name()}}, broker->well ? 1.0 : 0.0});
  }
  if (!cluster.is_fresh()) return;
  for (const auto id : missed_) {
    const std::string name = fmt::format("broker {}", id);
    into.unanswered.push_back(
        {name,
         {now, now},
         Error(ErrorKind::unreachable, "the cluster misses it, and nobody tells its address")});
    into.readings.push_back({&kKafkaBrokerUp, {{"member", name}}, 0.0});
  }
}

}  // namespace qw::probes
