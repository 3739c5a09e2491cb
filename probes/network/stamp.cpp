#include "probes/network/stamp.hpp"

#include <algorithm>

#include "probes/network/clock_bound.hpp"
#include "probes/wire/ntp_time.hpp"

namespace qw::probes {
namespace {

constexpr std::uint8_t kTtl = 255;
constexpr std::size_t kLargestAnswer = 256;
constexpr int kBufferBytes = 1 << 20;
constexpr Nanoseconds kBoundEvery = std::chrono::seconds(1);
/// The last bits of our time stamps are below what any clock shows. They carry a secret, by which an answer
/// is known to come from somebody who has seen the packet.
constexpr std::uint64_t kSecretBits = 0x3f;

class Stamp final : public PacketMethod {
 public:
  std::string_view name() const override { return "stamp"; }
  bool has_ports() const override { return true; }

  std::vector<net::DatagramOptions> sockets(bool v6) const override {
    net::DatagramOptions options;
    options.local = net::Endpoint(v6 ? asio::ip::udp::v6() : asio::ip::udp::v4(), 0);
    options.ttl = kTtl;
    options.largest_datagram = kLargestAnswer;
    options.buffer_bytes = kBufferBytes;
    return {options};
  }

  std::size_t write(const net::DatagramSocket& /*socket*/, const Secret& secret, std::uint32_t sequence,
                    WallTime now, bool ask, std::span<std::byte> into) override {
    if (now - bounded_ > kBoundEvery || now < bounded_) {
      bounded_ = now;
      bound_ = wire::encode_error_estimate(own_clock_bound());
    }
    const auto packet =
        wire::write_stamp_request({.sequence = sequence,
                                   .timestamp = sign(wire::to_ntp_time(now), secret, sequence),
                                   .error_estimate = bound_,
                                   .session = secret.session});
    std::ranges::copy(packet, into.begin());
    if (!ask) return packet.size();
    wire::write_follow_up_question(into.subspan<wire::kStampSize, wire::kFollowUpSize>());
    return packet.size() + wire::kFollowUpSize;
  }

  std::optional<Understood> read(const net::DatagramSocket& /*socket*/, const Secret& secret,
                                 const net::Datagram& answer) override {
    const auto reply = wire::read_stamp_reply(answer.bytes);
    if (!reply) return std::nullopt;
    const auto& sender = reply->sender;
    if (sender.timestamp != sign(sender.timestamp, secret, sender.sequence)) return std::nullopt;
    const auto estimate = wire::decode_error_estimate(reply->error_estimate);
    const auto near = answer.arrival.read.wall;
    const auto read_time = estimate.ptp ? wire::from_ptp_time : wire::from_ntp_time;
    // Whose seconds PTP's are is not said (TAI or UTC), so they measure a difference and no offset.
    Understood out{.sequence = sender.sequence,
                   .reflected = Reflected{.received = read_time(reply->received, near),
                                          .sent = read_time(reply->timestamp, near),
                                          .sequence = reply->sequence},
                   .reads_clock = !estimate.ptp,
                   .state = ClockState()};
    out.state->source = name();
    out.state->synchronised = estimate.synchronised;
    if (estimate.synchronised) out.state->bound = estimate.bound;
    if (answer.bytes.size() <= wire::kStampSize) return out;
    const auto word = wire::read_follow_up(answer.bytes.subspan(wire::kStampSize));
    out.follows_up = word.has_value();
    if (word && word->timestamp != 0)
      out.followed_up = FollowedUp{.sequence = word->sequence, .sent = read_time(word->timestamp, near)};
    return out;
  }

 private:
  static std::uint64_t sign(std::uint64_t timestamp, const Secret& secret, std::uint32_t sequence) {
    const std::uint64_t open = timestamp & ~kSecretBits;
    const std::uint64_t mixed = (open ^ secret.cookie ^ sequence) * 0x9e37'79b9'7f4a'7c15U;
    return open | (mixed >> 58U & kSecretBits);
  }

  std::uint16_t bound_ = 0;
  WallTime bounded_;
};

}  // namespace

std::unique_ptr<PacketMethod> make_stamp() {
  return std::make_unique<Stamp>();
}

}  // namespace qw::probes
