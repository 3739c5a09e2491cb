// Any bytes, in any split, give the same values and the same end; what is built is bounded by what was fed.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "probes/wire/redis_reply.hpp"
#include "probes/wire/resp.hpp"

namespace {

using qw::wire::RespReader;
using qw::wire::RespValue;

struct Outcome {
  std::vector<RespValue> values;
  std::string error;
  bool operator==(const Outcome&) const = default;
};

bool drain(RespReader& reader, Outcome& into) {
  while (true) {
    auto value = reader.next();
    if (!value) {
      into.error = value.error().message();
      return false;
    }
    if (!*value) return true;
    into.values.push_back(std::move(**value));
  }
}

Outcome read(std::string_view bytes, std::size_t at_once) {
  RespReader reader;
  Outcome outcome;
  for (std::size_t at = 0; at < bytes.size(); at += at_once) {
    reader.feed(bytes.substr(at, at_once));
    if (!drain(reader, outcome)) break;
  }
  return outcome;
}

std::size_t weight(const RespValue& value) {
  std::size_t sum = 1;
  for (const auto& item : value.items) sum += weight(item);
  return sum;
}

void interpret(const RespValue& value) {
  (void)qw::wire::read_redis_role(value);
  (void)qw::wire::read_redis_time(value);
  (void)qw::wire::read_sentinel_master(value);
  (void)qw::wire::read_sentinel_masters(value);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Outcome whole = read(bytes, size + 1);
  if (whole != read(bytes, 1) || whole != read(bytes, 7)) std::abort();
  for (const RespValue& value : whole.values) {
    if (weight(value) > size) std::abort();
    interpret(value);
  }
  return 0;
}
