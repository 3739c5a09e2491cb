#include "probes/wire/etcd_probing.hpp"

#include <boost/json.hpp>
#include <optional>

#include "daemon/base/text.hpp"

namespace qw::wire {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxBody = 4096;
// As Go writes it (RFC3339Nano); the fraction has as many digits as it needs, and may be missing.
constexpr std::string_view kShape = "dddd-dd-ddTdd:dd:dd";

bool has_shape(std::string_view text, std::string_view shape) {
  if (text.size() != shape.size()) return false;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (shape[i] == 'd' ? !digit : text[i] != shape[i]) return false;
  }
  return true;
}

int number(std::string_view text, std::size_t at, std::size_t length) {
  return static_cast<int>(*parse_uint64(text.substr(at, length)));
}

/// Takes ".123" off; nothing where it is malformed.
std::optional<Nanoseconds> take_fraction(std::string_view& rest) {
  if (!rest.starts_with('.')) return Nanoseconds{};
  std::int64_t value = 0;
  std::size_t digits = 0;
  for (rest.remove_prefix(1); !rest.empty() && rest[0] >= '0' && rest[0] <= '9'; rest.remove_prefix(1)) {
    if (++digits > 9) return std::nullopt;
    value = value * 10 + (rest[0] - '0');
  }
  if (digits == 0) return std::nullopt;
  for (; digits < 9; ++digits) value *= 10;
  return Nanoseconds(value);
}

/// How far the zone is ahead of UTC.
std::optional<Nanoseconds> read_zone(std::string_view text) {
  if (text == "Z") return Nanoseconds{};
  if (!has_shape(text, "+dd:dd") && !has_shape(text, "-dd:dd")) return std::nullopt;
  const Nanoseconds ahead = std::chrono::hours(number(text, 1, 2)) + std::chrono::minutes(number(text, 4, 2));
  return text[0] == '-' ? -ahead : ahead;
}

std::optional<WallTime> read_time(std::string_view text) {
  if (text.size() <= kShape.size() || !has_shape(text.substr(0, kShape.size()), kShape)) return std::nullopt;
  const std::chrono::year_month_day day(std::chrono::year(number(text, 0, 4)),
                                        std::chrono::month(static_cast<unsigned>(number(text, 5, 2))),
                                        std::chrono::day(static_cast<unsigned>(number(text, 8, 2))));
  // Years outside these do not fit into nanoseconds.
  if (!day.ok() || number(text, 0, 4) < 1970 || number(text, 0, 4) > 2200) return std::nullopt;
  if (number(text, 11, 2) > 23 || number(text, 14, 2) > 59 || number(text, 17, 2) > 60) return std::nullopt;
  auto rest = text.substr(kShape.size());
  const auto fraction = take_fraction(rest);
  const auto zone = read_zone(rest);
  if (!fraction || !zone) return std::nullopt;
  return WallTime(std::chrono::sys_days(day)) + std::chrono::hours(number(text, 11, 2)) +
         std::chrono::minutes(number(text, 14, 2)) + std::chrono::seconds(number(text, 17, 2)) + *fraction -
         *zone;
}

}  // namespace

Result<WallTime> parse_etcd_probing(std::string_view body) {
  const auto malformed = [] {
    return fail(ErrorKind::protocol, "etcd: /raft/probing: no time in the reply");
  };
  if (body.size() > kMaxBody) return malformed();
  boost::system::error_code error;
  const auto value = json::parse(json::string_view(body.data(), body.size()), error);
  const auto* object = error ? nullptr : value.if_object();
  const auto* now = object ? object->if_contains("Now") : nullptr;
  if (now == nullptr || !now->is_string()) return malformed();
  const auto time = read_time(std::string_view(now->get_string().data(), now->get_string().size()));
  if (!time) return malformed();
  return *time;
}

}  // namespace qw::wire
