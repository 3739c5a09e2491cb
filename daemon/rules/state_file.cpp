#include "daemon/rules/state_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

namespace qw::rules {
namespace {

constexpr std::string_view kMagic = "quorumwatch-alerts 1\n";
/// Magic, then CRC32C and length of the body as fixed hexadecimal digits.
constexpr std::size_t kHeader = kMagic.size() + 8 + 1 + 16 + 1;

std::uint32_t crc32c(std::string_view bytes) {
  static const auto kTable = [] {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t i = 0; i < table.size(); ++i) {
      std::uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) ? 0x82f63b78U : 0U);
      table[i] = value;
    }
    return table;
  }();
  std::uint32_t crc = 0xffffffffU;
  for (const char c : bytes) crc = (crc >> 8) ^ kTable[(crc ^ static_cast<unsigned char>(c)) & 0xff];
  return ~crc;
}

class Writer {
 public:
  void number(std::uint64_t value) {
    for (int i = 0; i < 8; ++i) out += static_cast<char>(value >> (8 * i));
  }
  void time(Millis value) { number(static_cast<std::uint64_t>(value)); }
  void maybe(const std::optional<Millis>& value) {
    out += value ? '\1' : '\0';
    time(value.value_or(0));
  }
  void text(std::string_view value) {
    number(value.size());
    out += value;
  }
  void labels(const Labels& value) {
    number(value.size());
    for (const auto& [name, of] : value) {
      text(name);
      text(of);
    }
  }
  void alert(const ActiveAlert& alert) {
    labels(alert.labels);
    labels(alert.annotations);
    number(std::bit_cast<std::uint64_t>(alert.value));
    number(static_cast<std::uint64_t>(alert.state));
    time(alert.active_at);
    maybe(alert.fired_at);
    maybe(alert.resolved_at);
    maybe(alert.keep_firing_since);
    maybe(alert.unknown_since);
    text(alert.system);
    text(alert.target);
  }
  std::string out;
};

/// Reads until something does not fit; then `bad` stays set and everything is empty.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  std::uint64_t number() {
    if (rest_.size() < 8) return refuse();
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < 8; ++i) {
      value |= static_cast<std::uint64_t>(static_cast<unsigned char>(rest_[i])) << (8 * i);
    }
    rest_.remove_prefix(8);
    return value;
  }
  Millis time() {
    const auto value = static_cast<Millis>(number());
    // Times beyond this would overflow when they are moved.
    constexpr Millis kFar = 1LL << 52;
    if (value > kFar || value < -kFar) refuse();
    return bad ? 0 : value;
  }
  std::optional<Millis> maybe() {
    if (rest_.empty() || (rest_.front() != '\0' && rest_.front() != '\1')) {
      refuse();
      return std::nullopt;
    }
    const bool there = rest_.front() == '\1';
    rest_.remove_prefix(1);
    const auto value = time();
    if (!there && value != 0) refuse();
    return there ? std::optional(value) : std::nullopt;
  }
  std::string text() {
    const auto size = number();
    if (size > rest_.size()) refuse();
    if (bad) return {};
    std::string value(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return value;
  }
  /// How many elements follow, of which each takes at least `least` bytes.
  std::size_t count(std::size_t least) {
    const auto value = number();
    if (value > rest_.size() / least) refuse();
    return bad ? 0 : value;
  }
  Labels labels() {
    std::vector<Labels::Pair> pairs;
    for (auto left = count(16); left > 0 && !bad; --left) {
      auto name = text();
      auto value = text();
      if (!pairs.empty() && pairs.back().first >= name) refuse();
      pairs.emplace_back(std::move(name), std::move(value));
    }
    return Labels(std::move(pairs));
  }
  ActiveAlert alert() {
    ActiveAlert out;
    out.labels = labels();
    out.annotations = labels();
    out.value = std::bit_cast<double>(number());
    const auto state = number();
    if (state > static_cast<std::uint64_t>(AlertState::firing)) refuse();
    out.state = bad ? AlertState::inactive : static_cast<AlertState>(state);
    out.active_at = time();
    out.fired_at = maybe();
    out.resolved_at = maybe();
    out.keep_firing_since = maybe();
    out.unknown_since = maybe();
    out.system = text();
    out.target = text();
    const bool fits = out.labels.get("alertname") != "" &&
                      out.fired_at.has_value() == (out.state != AlertState::pending) &&
                      out.resolved_at.has_value() == (out.state == AlertState::inactive);
    if (!fits) refuse();
    return out;
  }

  bool at_end() const { return rest_.empty(); }
  bool bad = false;

 private:
  std::uint64_t refuse() {
    bad = true;
    rest_ = {};
    return 0;
  }
  std::string_view rest_;
};

}  // namespace

std::string encode_state(const SavedState& state) {
  Writer body;
  body.time(state.at);
  body.text(state.boot_id);
  body.time(state.boot_time);
  body.number(state.rules.size());
  for (const auto& rule : state.rules) {
    body.text(rule.group);
    body.text(rule.rule);
    body.text(rule.labels);
    body.number(rule.alerts.size());
    for (const auto& alert : rule.alerts) body.alert(alert);
  }
  return fmt::format("{}{:08x} {:016x}\n{}", kMagic, crc32c(body.out), body.out.size(), body.out);
}

Result<SavedState> decode_state(std::string_view bytes) {
  if (!bytes.starts_with(kMagic)) return fail(ErrorKind::protocol, "no alert state of this version");
  if (bytes.size() < kHeader) return fail(ErrorKind::protocol, "cut off");
  const auto body = bytes.substr(kHeader);
  const auto header = fmt::format("{:08x} {:016x}\n", crc32c(body), body.size());
  if (bytes.substr(kMagic.size(), header.size()) != header) {
    return fail(ErrorKind::protocol, "cut off or damaged: length and checksum do not fit");
  }
  Reader reader(body);
  SavedState out;
  out.at = reader.time();
  out.boot_id = reader.text();
  out.boot_time = reader.time();
  for (auto rules = reader.count(32); rules > 0 && !reader.bad; --rules) {
    auto& rule = out.rules.emplace_back();
    rule.group = reader.text();
    rule.rule = reader.text();
    rule.labels = reader.text();
    for (auto alerts = reader.count(64); alerts > 0 && !reader.bad; --alerts) {
      rule.alerts.push_back(reader.alert());
    }
  }
  if (reader.bad || !reader.at_end()) return fail(ErrorKind::protocol, "not what was ever written");
  return out;
}

void resume_state(SavedState& state, Millis now, std::string_view boot_id, Millis boot_time) {
  const bool same_boot = !boot_id.empty() && boot_id == state.boot_id;
  const auto elapsed = same_boot ? std::max<Millis>(boot_time - state.boot_time, 0)
                                 : std::clamp<Millis>(now - state.at, 0, kMostDowntime);
  const auto shift = now - elapsed - state.at;
  const auto downtime = std::max<Millis>(elapsed - kStateRefresh, 0);
  const auto move = [](std::optional<Millis>& time, Millis by) {
    if (time) *time += by;
  };
  for (auto& rule : state.rules) {
    for (auto& alert : rule.alerts) {
      alert.active_at += shift + (alert.state == AlertState::pending ? downtime : 0);
      move(alert.fired_at, shift);
      move(alert.resolved_at, shift);
      move(alert.keep_firing_since, shift + downtime);
      move(alert.unknown_since, shift);
    }
  }
  state.at += shift;
}

}  // namespace qw::rules
