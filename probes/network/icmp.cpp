#include "probes/network/icmp.hpp"

#include <array>
#include <random>

#include "probes/wire/icmp.hpp"

namespace qw::probes {
namespace {

constexpr std::size_t kPayload = 16;  ///< the cookie, the whole sequence number, four zeros
constexpr std::size_t kLargestAnswer = 128;
constexpr int kBufferBytes = 1 << 20;

class Icmp final : public PacketMethod {
 public:
  Icmp() : id_(static_cast<std::uint16_t>(std::random_device()())) {}

  std::string_view name() const override { return "icmp"; }
  bool has_ports() const override { return false; }

  std::vector<net::DatagramOptions> sockets(bool v6) const override {
    net::DatagramOptions options;
    options.kind = net::DatagramKind::icmp;
    options.local = net::Endpoint(v6 ? asio::ip::udp::v6() : asio::ip::udp::v4(), 0);
    options.largest_datagram = kLargestAnswer;
    options.buffer_bytes = kBufferBytes;
    auto raw = options;
    raw.kind = net::DatagramKind::icmp_raw;
    raw.echo_id = id_;
    return {options, raw};
  }

  std::size_t write(const net::DatagramSocket& socket, const Secret& secret, std::uint32_t sequence,
                    WallTime /*now*/, bool /*ask*/, std::span<std::byte> into) override {
    std::array<std::byte, kPayload> payload{};
    for (std::size_t i = 0; i < 8; ++i) payload[i] = static_cast<std::byte>(secret.cookie >> (8 * i));
    for (std::size_t i = 0; i < 4; ++i) payload[8 + i] = static_cast<std::byte>(sequence >> (8 * i));
    // A datagram socket has its identifier from the kernel, whatever is written here.
    const wire::Echo echo{.id = id_, .sequence = static_cast<std::uint16_t>(sequence), .payload = payload};
    wire::write_echo_request(echo, is_v6(socket), into);
    return wire::kEchoHeaderSize + payload.size();
  }

  std::optional<Understood> read(const net::DatagramSocket& socket, const Secret& secret,
                                 const net::Datagram& answer) override {
    const bool v6 = is_v6(socket);
    const bool raw = socket.options().kind == net::DatagramKind::icmp_raw;
    const auto echo = wire::read_echo_reply(answer.bytes, v6, raw && !v6);
    if (!echo || echo->payload.size() != kPayload || (raw && echo->id != id_)) return std::nullopt;
    const auto number = [&](std::size_t at, std::size_t size) {
      std::uint64_t value = 0;
      for (std::size_t i = size; i > 0; --i) {
        value = value << 8U | std::to_integer<std::uint64_t>(echo->payload[at + i - 1]);
      }
      return value;
    };
    if (number(0, 8) != secret.cookie) return std::nullopt;
    return Understood{.sequence = static_cast<std::uint32_t>(number(8, 4)),
                      .reflected = std::nullopt,
                      .reads_clock = false,
                      .state = std::nullopt};
  }

 private:
  static bool is_v6(const net::DatagramSocket& socket) { return socket.options().local.address().is_v6(); }
  std::uint16_t id_;
};

}  // namespace

std::unique_ptr<PacketMethod> make_icmp() {
  return std::make_unique<Icmp>();
}

}  // namespace qw::probes
