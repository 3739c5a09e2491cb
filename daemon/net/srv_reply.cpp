#include "daemon/net/srv_reply.hpp"

#include <algorithm>
#include <optional>

namespace qw::net {
namespace {

constexpr std::size_t kHeader = 12;
constexpr unsigned kSrv = 33, kInternet = 1;
/// A name has at most 255 bytes (RFC 1035 2.3.4), so more jumps than labels are a loop.
constexpr std::size_t kMaxName = 255;
constexpr int kMaxJumps = 127;

/// Reads on from a place in the message. The first thing that is wrong ends it: from then on every read gives
/// zero or nothing.
class Reader {
 public:
  explicit Reader(std::string_view message) : message_(message) {}

  std::size_t at() const { return at_; }
  bool broken() const { return broken_; }
  void skip(std::size_t count) {
    if (count > message_.size() - at_) broken_ = true;
    at_ = broken_ ? message_.size() : at_ + count;
  }
  unsigned uint16() {
    const auto from = at_;
    skip(2);
    return broken_ ? 0 : static_cast<unsigned>(byte(from) << 8 | byte(from + 1));
  }
  std::uint32_t uint32() {
    const std::uint32_t high = uint16();
    return high << 16 | uint16();
  }
  /// Without the last dot; "" is the root.
  std::string name();

 private:
  unsigned byte(std::size_t at) const { return static_cast<unsigned char>(message_[at]); }
  std::string_view message_;
  std::size_t at_ = 0;
  bool broken_ = false;
};

std::string Reader::name() {
  std::string out;
  auto at = at_;
  std::optional<std::size_t> after;  // where it goes on after the first jump
  for (int jumps = 0; !broken_;) {
    if (at >= message_.size()) break;
    const unsigned length = byte(at);
    if (length == 0) {
      at_ = after.value_or(at + 1);
      return out;
    }
    if (length >= 0xc0) {  // a pointer (RFC 1035 4.1.4)
      if (at + 1 >= message_.size() || ++jumps > kMaxJumps) break;
      if (!after) after = at + 2;
      at = (length & 0x3f) << 8 | byte(at + 1);
      continue;
    }
    if (length > 63 || length > message_.size() - at - 1 || out.size() + length + 1 > kMaxName) break;
    if (!out.empty()) out += '.';
    out += message_.substr(at + 1, length);
    at += length + 1;
  }
  broken_ = true;
  return {};
}

/// A name as an administrator writes it. Others could not be looked up, nor shown as a label.
bool is_host(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
  });
}

std::string lower(std::string name) {
  std::ranges::transform(name, name.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return name;
}

/// The record's data, of which the header was read.
void read_service(Reader& reader, std::vector<Service>& out) {
  Service service;
  service.priority = static_cast<std::uint16_t>(reader.uint16());
  service.weight = static_cast<std::uint16_t>(reader.uint16());
  service.port = static_cast<std::uint16_t>(reader.uint16());
  service.host = lower(reader.name());
  if (reader.broken() || !is_host(service.host) || out.size() == kMaxServices) return;
  out.push_back(std::move(service));
}

}  // namespace

Result<SrvReply> read_srv_reply(std::string_view message) {
  Reader reader(message);
  reader.skip(4);
  const unsigned questions = reader.uint16();
  const unsigned answers = reader.uint16();
  reader.skip(kHeader - 8);
  for (unsigned i = 0; i < questions && !reader.broken(); ++i) {
    (void)reader.name();
    reader.skip(4);
  }
  SrvReply reply{.services = {}, .ttl = std::chrono::hours(24)};
  for (unsigned i = 0; i < answers && !reader.broken(); ++i) {
    (void)reader.name();
    const unsigned type = reader.uint16();
    const unsigned net_class = reader.uint16();
    const auto ttl = reader.uint32();
    const unsigned length = reader.uint16();
    Reader data = reader;
    reader.skip(length);
    if (reader.broken() || type != kSrv || net_class != kInternet) continue;
    read_service(data, reply.services);
    if (data.broken() || data.at() != reader.at()) return fail(ErrorKind::protocol, "a broken SRV record");
    // The highest bit says zero (RFC 2181 8).
    reply.ttl = std::min<Nanoseconds>(reply.ttl, std::chrono::seconds(ttl > 0x7fffffff ? 0 : ttl));
  }
  if (reader.broken()) return fail(ErrorKind::protocol, "a broken DNS message");
  if (reply.services.empty()) return fail(ErrorKind::unreachable, "no such service");
  std::ranges::sort(reply.services);
  const auto again = std::ranges::unique(reply.services);
  reply.services.erase(again.begin(), again.end());
  return reply;
}

}  // namespace qw::net
