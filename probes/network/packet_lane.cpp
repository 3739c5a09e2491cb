#include "probes/network/packet_lane.hpp"

#include <algorithm>
#include <cassert>
#include <random>

namespace qw::probes {
namespace {

/// Readings of one train that are kept: the offset is best known from the shortest flights.
constexpr std::size_t kReadings = 4;

std::uint64_t random_number() {
  static std::random_device device;
  return std::uint64_t(device()) << 32U | device();
}

PacketMethod::Secret make_secret() {
  const auto number = random_number();
  // Neither 0, which means "no session", nor near the end of the numbers.
  return {.session = static_cast<std::uint16_t>(number >> 48U | 1U),
          .cookie = random_number(),
          .first_sequence = static_cast<std::uint32_t>(0x1000'0000U + (number & 0x0fff'ffffU))};
}

/// The reading with the longest flight gives way.
void keep_reading(std::vector<ClockReading>& readings, ClockReading reading) {
  const auto width = [](const ClockReading& one) { return one.local_received - one.local_sent; };
  if (readings.size() < kReadings) {
    readings.push_back(std::move(reading));
    return;
  }
  const auto worst = std::ranges::max_element(readings, {}, width);
  if (width(reading) < width(*worst)) *worst = std::move(reading);
}

Asked asked_of(const Returned& returned) {
  return {.sent = returned.flight.sent_steady, .received = returned.flight.received_steady};
}

void add_trip(TrainOutcome& out, const Returned& returned) {
  out.trips.push_back({.member = out.train.member,
                       .method = out.train.method,
                       .asked = asked_of(returned),
                       .value = returned.value,
                       .error = returned.error,
                       .path = out.train.path,
                       .held = std::nullopt,
                       .send_lag = returned.send_lag});
  if (const auto& reflected = returned.reflected)
    out.trips.back().held = reflected->sent - reflected->received;
}

void add_reading(TrainOutcome& out, const Returned& returned) {
  const auto& [flight, value, error, lag, reflected, followed_up] = returned;
  if (!reflected) return;
  keep_reading(out.clocks, {.member = out.train.member,
                            .source = out.train.method,
                            .asked = asked_of(returned),
                            .local_sent = flight.sent,
                            .local_received = flight.received,
                            .remote = reflected->received,
                            .resolution = Nanoseconds(1),
                            .remote_sent = reflected->sent});
}

/// The word is mostly on the answer before, so the search begins at the end; a peer that makes it long gets
/// no further.
void correct_sample(std::vector<PacketWay::Sample>& samples, const FollowedUp& word) {
  constexpr std::ptrdiff_t kFar = 64;
  const auto from = std::max<std::ptrdiff_t>(0, std::ssize(samples) - kFar);
  for (auto i = std::ssize(samples) - 1; i >= from; --i) {
    auto& returned = samples[static_cast<std::size_t>(i)].returned;
    if (returned.reflected && returned.reflected->sequence == word.sequence) return correct(returned, word);
  }
}

}  // namespace

PacketLane::PacketLane(PacketMethod& method, std::unique_ptr<net::DatagramSocket> socket)
    : method_(method), socket_(std::move(socket)), bytes_(kBatch * PacketMethod::kLargest) {}

std::size_t PacketLane::Hash::operator()(const net::Endpoint& endpoint) const {
  return std::hash<asio::ip::address>()(endpoint.address()) * 31 + endpoint.port();
}

PacketWay& PacketLane::way(const net::Endpoint& to, std::uint64_t train) {
  auto& way = ways_[to];
  if (!way) way = std::make_unique<PacketWay>(make_secret(), train);
  way->used = train;
  return *way;
}

void PacketLane::forget(std::uint64_t before) {
  const auto erased =
      std::erase_if(ways_, [before](const auto& entry) { return entry.second->used < before; });
  if (erased > 0) std::ranges::fill(numbered_, Numbered());
}

void PacketLane::begin() {
  // What came meanwhile is late, and must not be taken for an answer of this train.
  take();
  sending_ = true;
  outstanding_ = 0;
}

void PacketLane::sending_done() {
  sending_ = false;
  // From now on the wait is shorter.
  socket_->wake();
}

void PacketLane::send(std::span<const Departure> departures) {
  assert(departures.size() <= kBatch);
  packets_.clear();
  sequences_.clear();
  const auto now = net::read_clocks().wall;
  for (std::size_t i = 0; i < departures.size(); ++i) {
    auto& way = *departures[i].way;
    const auto sequence = way.book.plan(departures[i].planned);
    if (departures[i].bearer) way.bearer = sequence;
    const auto into = std::span(bytes_).subspan(i * PacketMethod::kLargest, PacketMethod::kLargest);
    const auto size = method_.write(*socket_, way.secret, sequence, now, way.follow_up.ask(sequence), into);
    packets_.push_back({.to = departures[i].to, .bytes = into.first(size)});
    sequences_.push_back(sequence);
  }
  for (std::size_t done = 0; done < packets_.size();) {
    const auto sent = socket_->send(std::span<const net::Outgoing>(packets_).subspan(done));
    for (std::size_t i = 0; i < sent.count; ++i) {
      auto& way = *departures[done + i].way;
      way.book.sent(sequences_[done + i], sent.before, sent.after);
      numbered_[(sent.first_id + i) % kNumbered] = {.way = &way, .sequence = sequences_[done + i]};
    }
    outstanding_ += sent.count;
    done += sent.count;
    if (!sent.error) continue;
    auto& way = *departures[done].way;
    way.book.refused(sequences_[done]);
    if (way.outcome != nullptr) way.outcome->error = sent.error;
    ++done;
  }
}

Task<bool> PacketLane::receive(SteadyTime deadline) {
  while (sending_ || outstanding_ > 0) {
    const auto until = sending_ ? deadline : std::min(deadline, give_up_at());
    auto waited = co_await socket_->wait(until);
    if (!waited && waited.error().kind() != ErrorKind::timeout) co_return false;
    // What is there already has come in time, however late we look.
    take();
    if (!waited) co_return outstanding_ == 0;
  }
  co_return true;
}

/// The latest of all ways that wait for something.
SteadyTime PacketLane::give_up_at() const {
  SteadyTime latest;
  for (const auto& [to, way] : ways_) {
    if (way->outcome != nullptr && way->book.outstanding() > 0)
      latest = std::max(latest, way->book.give_up_at());
  }
  return latest;
}

void PacketLane::take() {
  bool more = true;
  for (int turns = 0; more && turns < 4; ++turns) {
    const auto arrivals = socket_->take();
    for (const auto& stamp : arrivals.transmitted) {
      const auto& of = numbered_[stamp.id % kNumbered];
      if (of.way != nullptr) of.way->book.transmitted(of.sequence, stamp.at);
    }
    for (const auto& answer : arrivals.datagrams) took(answer);
    for (const auto& report : arrivals.undelivered) {
      const auto found = ways_.find(report.to);
      if (found == ways_.end() || found->second->outcome == nullptr) continue;
      found->second->outcome->error = report.error;
      if (outstanding_ > 0) --outstanding_;
    }
    more = arrivals.more;
  }
}

void PacketLane::took(const net::Datagram& answer) {
  const auto found = ways_.find(answer.from);
  if (found == ways_.end() || answer.cut) return;
  auto& way = *found->second;
  const auto understood = method_.read(*socket_, way.secret, answer);
  if (!understood) return;
  const auto sequence = understood->sequence;
  const auto before = way.book.outstanding();
  const auto returned = way.book.answered(sequence, answer.arrival, understood->reflected);
  outstanding_ -= std::min(outstanding_, before - way.book.outstanding());
  way.follow_up.answered(sequence, understood->follows_up);
  if (understood->followed_up) correct_sample(way.samples, *understood->followed_up);
  if (!returned || way.outcome == nullptr) return;
  way.samples.push_back(
      {.returned = *returned, .reads_clock = understood->reads_clock, .bearer = sequence == way.bearer});
  if (!understood->state) return;
  auto& out = *way.outcome;
  out.state = understood->state;
  out.state->member = out.train.member;
  out.state->asked = asked_of(*returned);
}

void PacketWay::begin(TrainOutcome& told) {
  outcome = &told;
  book.begin();
  follow_up.begin();
  samples.clear();
  bearer.reset();
}

void PacketWay::end(SteadyTime now) {
  auto& out = *outcome;
  const bool others = std::ranges::any_of(samples, [](const Sample& sample) { return !sample.bearer; });
  for (const auto& sample : samples) {
    if (!sample.bearer || !others) add_trip(out, sample.returned);
    if (sample.reads_clock) add_reading(out, sample.returned);
  }
  samples.clear();
  auto counted = book.end(now);
  counted.member = out.train.member;
  counted.method = out.train.method;
  counted.path = out.train.path;
  counted.extra = out.train.extra;
  out.train = std::move(counted);
}

}  // namespace qw::probes
