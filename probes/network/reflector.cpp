#include "probes/network/reflector.hpp"

#include <algorithm>
#include <random>

#include "probes/network/reflector_limits.hpp"
#include "probes/wire/ntp_time.hpp"

namespace qw::probes {
namespace {

using net::Datagram;

/// Of an ordinary Ethernet packet; senders pad theirs at will.
constexpr std::size_t kLargestPacket = 1500;
/// Answers to so many packets leave together: the later ones leave some microseconds after what they say.
constexpr std::size_t kTogether = 4;
/// Answers of one socket whose transmit stamps may be on their way.
constexpr std::size_t kUnderWay = 1024;
constexpr int kBufferBytes = 1 << 20;
constexpr Nanoseconds kBoundEvery = std::chrono::seconds(1);
/// Where a question has zeros or padding, an answer has the time at which its question came.
constexpr std::size_t kReceiveStampAt = 16;
constexpr Nanoseconds kNow = std::chrono::hours(1);

std::uint64_t random_number() {
  std::random_device device;
  return std::uint64_t(device()) << 32U | device();
}

std::uint64_t stamp_at(net::Bytes bytes, std::size_t at) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 8; ++i) value = value << 8U | std::to_integer<std::uint64_t>(bytes[at + i]);
  return value;
}

/// Random padding passes for a time of this hour once in some hundred thousand packets, zeros never do.
bool looks_reflected(net::Bytes bytes, WallTime now) {
  const auto stamp = stamp_at(bytes, kReceiveStampAt);
  const auto is_now = [now](WallTime time) { return time - now < kNow && now - time < kNow; };
  return is_now(wire::from_ntp_time(stamp, now)) || is_now(wire::from_ptp_time(stamp, now));
}

}  // namespace

std::string_view name(Refusal refusal) {
  switch (refusal) {
    case Refusal::malformed:
      return "malformed";
    case Refusal::reflected:
      return "reflected";
    case Refusal::source_limit:
      return "source_limit";
    case Refusal::total_limit:
      return "total_limit";
    case Refusal::not_sent:
      break;
  }
  return "not_sent";
}

struct Reflector::Impl {
  explicit Impl(const ReflectorOptions& options, std::function<wire::ErrorEstimate()> bound)
      : limits(options.packets_per_second, options.packets_per_second_and_source, random_number()),
        sessions(random_number()),
        clock_bound(std::move(bound)) {}

  /// One answer under way.
  struct Answer {
    std::array<std::byte, kLargestPacket> bytes;
    std::size_t size = 0;
    wire::StampReply reply;
    const Datagram* question = nullptr;
    bool follows = false;  ///< its sender wants to be told when it left
  };
  /// An answer whose transmit stamp its sender wants.
  struct Followed {
    ReflectorSessions::Key sender;
    std::uint32_t number = 0;
  };
  struct Listener {
    std::unique_ptr<net::DatagramSocket> socket;
    /// By the low bits of the packet's id.
    std::vector<std::optional<Followed>> followed{kUnderWay};
  };

  static Task<void> serve(std::shared_ptr<Impl> self, std::size_t number);
  void reflect(Listener& listener);
  std::optional<Refusal> examine(const Datagram& question) const;
  bool admit(const Datagram& question);
  bool waits_for(std::size_t ready, const Datagram& question) const;
  void prepare(const Datagram& question, Answer& answer);
  void send(Listener& listener, std::size_t count);
  void note(Listener& listener, std::uint32_t id, const Answer& answer);
  void learn(Listener& listener, std::span<const net::TransmitStamp> stamps);
  std::uint16_t estimate(SteadyTime now);
  void refuse(Refusal why, std::uint64_t packets = 1) {
    stats.refused[static_cast<std::size_t>(why)] += packets;
  }

  ReflectorLimits limits;
  ReflectorSessions sessions;
  std::function<wire::ErrorEstimate()> clock_bound;
  std::vector<Listener> listeners;
  std::vector<std::uint16_t> ports;  ///< on which we listen
  std::array<Answer, kTogether> answers;
  Stats stats;
  std::uint16_t estimate_bits = 0;
  SteadyTime estimated;
};

Reflector::Reflector(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Reflector::~Reflector() {
  for (const auto& listener : impl_->listeners) listener.socket->close();
}

Result<std::unique_ptr<Reflector>> Reflector::open(asio::any_io_executor executor, ReflectorOptions options,
                                                   std::function<wire::ErrorEstimate()> clock_bound) {
  auto impl = std::make_shared<Impl>(options, std::move(clock_bound));
  for (const auto& local : options.listen) {
    net::DatagramOptions how;
    how.local = local;
    how.largest_datagram = kLargestPacket;
    how.buffer_bytes = kBufferBytes;
    how.local_addresses = true;
    how.ttl = 255;
    auto opened = net::DatagramSocket::open(executor, how);
    if (!opened) {
      return std::unexpected(
          opened.error().within(net::HostPort(local.address().to_string(), local.port()).print()));
    }
    impl->ports.push_back((*opened)->local().port());
    impl->listeners.push_back({.socket = std::move(*opened)});
  }
  return std::unique_ptr<Reflector>(new Reflector(std::move(impl)));
}

std::vector<Task<void>> Reflector::tasks() {
  std::vector<Task<void>> tasks;
  for (std::size_t i = 0; i < impl_->listeners.size(); ++i) tasks.push_back(Impl::serve(impl_, i));
  return tasks;
}

std::vector<net::Endpoint> Reflector::listening() const {
  std::vector<net::Endpoint> out;
  for (const auto& listener : impl_->listeners) out.push_back(listener.socket->local());
  return out;
}

Reflector::Stats Reflector::stats() const {
  auto stats = impl_->stats;
  stats.sessions = impl_->sessions.size();
  return stats;
}

std::optional<SteadyTime> Reflector::last_heard(const asio::ip::address& from) const {
  return impl_->sessions.last_heard(from);
}

Task<void> Reflector::Impl::serve(std::shared_ptr<Impl> self, std::size_t number) {
  auto& listener = self->listeners[number];
  while (true) {
    auto waited = co_await listener.socket->wait(SteadyTime::max());
    if (!waited) co_return;
    self->reflect(listener);
  }
}

void Reflector::Impl::reflect(Listener& listener) {
  std::size_t ready = 0;
  const auto arrivals = listener.socket->take();
  learn(listener, arrivals.transmitted);
  for (const auto& question : arrivals.datagrams) {
    if (!admit(question)) continue;
    if (waits_for(ready, question)) send(listener, std::exchange(ready, 0));
    prepare(question, answers[ready]);
    if (++ready == kTogether) send(listener, std::exchange(ready, 0));
  }
  send(listener, ready);
}

/// Whether the answer to this packet must tell when one of those left that are ready.
bool Reflector::Impl::waits_for(std::size_t ready, const Datagram& question) const {
  return std::ranges::any_of(std::span(answers).first(ready), [&](const Answer& answer) {
    return answer.follows && answer.question->from == question.from;
  });
}

std::optional<Refusal> Reflector::Impl::examine(const Datagram& question) const {
  if (question.cut || question.bytes.size() < wire::kShortestStampReply) return Refusal::malformed;
  const auto port = question.from.port();
  if (port == wire::kStampPort || std::ranges::find(ports, port) != ports.end()) return Refusal::reflected;
  if (looks_reflected(question.bytes, question.arrival.read.wall)) return Refusal::reflected;
  return std::nullopt;
}

bool Reflector::Impl::admit(const Datagram& question) {
  if (const auto why = examine(question)) {
    refuse(*why);
    return false;
  }
  const auto admission = limits.admit(question.from.address(), question.arrival.read.steady);
  if (admission == Admission::admitted) return true;
  refuse(admission == Admission::source_limit ? Refusal::source_limit : Refusal::total_limit);
  return false;
}

/// All but the time of leaving.
void Reflector::Impl::prepare(const Datagram& question, Answer& answer) {
  const auto& arrival = question.arrival;
  answer.question = &question;
  answer.size = question.bytes.size();
  std::ranges::copy(question.bytes, answer.bytes.begin());
  // Its size was looked at already.
  const auto request = *wire::read_stamp_request(question.bytes);
  const ReflectorSessions::Key sender{.from = question.from, .session = request.session};
  const auto number = sessions.count(sender, arrival.read.steady);
  answer.reply = {.sequence = number.value_or(request.sequence),
                  .timestamp = 0,
                  .error_estimate = estimate(arrival.read.steady),
                  .session = request.session,
                  .received = wire::to_ntp_time(arrival.kernel.value_or(arrival.read.wall)),
                  .sender = request,
                  .sender_ttl = question.ttl};
  answer.follows = false;
  if (request.session == 0 || answer.size <= wire::kStampSize) return;
  wire::FollowUp follow_up;
  if (const auto left = sessions.last_left(sender)) {
    follow_up = {.sequence = left->number,
                 .timestamp = wire::to_ntp_time(left->at),
                 .method = wire::StampMethod::software};
  }
  const auto extensions = std::span(answer.bytes).first(answer.size).subspan(wire::kStampSize);
  answer.follows = wire::mark_stamp_extensions(extensions, follow_up) && number;
}

/// The kernel's stamps are mostly there when the call returns. Read at once, they do not wake us again.
void Reflector::Impl::send(Listener& listener, std::size_t count) {
  if (count == 0) return;
  std::array<net::Outgoing, kTogether> packets;
  const auto leaving = wire::to_ntp_time(net::read_clocks().wall);
  for (std::size_t i = 0; i < count; ++i) {
    auto& answer = answers[i];
    answer.reply.timestamp = leaving;
    const auto bytes = std::span(answer.bytes).first(answer.size);
    wire::write_stamp_reply(answer.reply, bytes);
    packets[i] = {.to = answer.question->from, .bytes = bytes, .from = answer.question->to};
  }
  auto rest = std::span<const net::Outgoing>(packets).first(count);
  while (!rest.empty()) {
    const auto sent = listener.socket->send(rest);
    stats.reflected += sent.count;
    const auto first = count - rest.size();
    for (std::size_t i = 0; i < sent.count; ++i) {
      note(listener, sent.first_id + static_cast<std::uint32_t>(i), answers[first + i]);
    }
    if (!sent.error) break;
    refuse(Refusal::not_sent);
    rest = rest.subspan(sent.count + 1);
  }
  learn(listener, listener.socket->take_transmitted());
}

void Reflector::Impl::note(Listener& listener, std::uint32_t id, const Answer& answer) {
  auto& place = listener.followed[id % kUnderWay];
  place.reset();
  if (!answer.follows) return;
  place = Followed{.sender = {.from = answer.question->from, .session = answer.reply.session},
                   .number = answer.reply.sequence};
}

void Reflector::Impl::learn(Listener& listener, std::span<const net::TransmitStamp> stamps) {
  for (const auto& stamp : stamps) {
    auto& place = listener.followed[stamp.id % kUnderWay];
    if (place) sessions.left(place->sender, {.number = place->number, .at = stamp.at});
    place.reset();
  }
}

std::uint16_t Reflector::Impl::estimate(SteadyTime now) {
  if (estimated == SteadyTime() || now - estimated > kBoundEvery) {
    estimated = now;
    estimate_bits = wire::encode_error_estimate(clock_bound());
  }
  return estimate_bits;
}

}  // namespace qw::probes
