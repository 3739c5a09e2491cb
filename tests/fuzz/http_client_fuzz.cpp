// The reply reader keeps within its caps, and says the same whatever pieces the bytes come in. The first byte
// of the input chooses the size of the pieces and whether the request was HEAD.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "daemon/net/http_reply.hpp"

namespace {

constexpr std::size_t kMaxBody = 2000;

struct Outcome {
  bool good = false;
  unsigned status = 0;
  std::string body;
  std::string date;
  bool operator==(const Outcome&) const = default;
};

Outcome read(std::string_view wire, std::size_t step, bool head) {
  qw::net::HttpReplyReader::Limits limits;
  limits.max_body = kMaxBody;
  limits.max_header = 1000;
  qw::net::HttpReplyReader reader(limits, head);
  qw::Result<void> result;
  while (!wire.empty() && result && !reader.done()) {
    result = reader.put(wire.substr(0, step));
    wire.remove_prefix(std::min(step, wire.size()));
  }
  if (result && !reader.done()) result = reader.put_eof();
  Outcome out;
  if (!result) return out;
  if (!reader.done()) std::abort();
  out.good = true;
  out.status = reader.status();
  out.date = reader.date();
  out.body = reader.take_body();
  if (out.body.size() > kMaxBody || out.status < 200 || out.status > 599) std::abort();
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view wire(reinterpret_cast<const char*>(data) + 1, size - 1);
  const bool head = (data[0] & 1) != 0;
  const std::size_t step = 1 + data[0] / 2;
  if (read(wire, wire.size() + 1, head) != read(wire, step, head)) std::abort();
  return 0;
}
