#include "daemon/placement/claims.hpp"

#include <boost/json.hpp>
#include <cmath>

namespace qw::placement {
namespace {

namespace json = boost::json;

/// Longer than any cluster has been up; beyond it a number is nonsense.
constexpr double kMostSeconds = 1e9;
constexpr std::size_t kMostDepth = 8;
constexpr std::size_t kLongestName = 128;

json::object object_of(const TargetId& id, const Standing& standing, const Claim* claim) {
  json::object out;
  out["system"] = id.system;
  out["target"] = id.name;
  out["status"] = status_of(standing);
  out["asked_by"] = standing.asker;
  out["silent"] = json::array(standing.silent.begin(), standing.silent.end());
  if (claim) {
    out["rounds"] = claim->rounds;
    out["taken_seconds_ago"] = seconds(claim->taken);
    if (claim->rounds > 0) out["last_round_seconds_ago"] = seconds(claim->last_round);
  }
  return out;
}

std::unexpected<Error> bad(std::string_view what) {
  return fail(ErrorKind::protocol, "not an answer about placement: " + std::string(what));
}

const json::value* find(const json::object& object, std::string_view key) {
  return object.if_contains({key.data(), key.size()});
}

/// Nothing for anything but a short text.
std::optional<std::string> text_of(const json::object& object, std::string_view key) {
  const auto* value = find(object, key);
  const auto* text = value ? value->if_string() : nullptr;
  if (!text || text->size() > kLongestName) return std::nullopt;
  return std::string(*text);
}

std::optional<Nanoseconds> ago(const json::object& object, std::string_view key) {
  const auto* value = find(object, key);
  if (!value || !value->is_number()) return std::nullopt;
  const auto number = value->to_number<double>();
  if (!std::isfinite(number) || number < 0 || number > kMostSeconds) return std::nullopt;
  return Nanoseconds(static_cast<std::int64_t>(number * 1e9));
}

/// The claim of one target; an empty one where the peer does not ask it.
Result<std::optional<std::pair<TargetId, Claim>>> read_target(const json::value& value) {
  const auto* object = value.if_object();
  if (!object) return bad("a target is no object");
  auto system = text_of(*object, "system");
  auto name = text_of(*object, "target");
  if (!system || !name) return bad("a target has no name");
  const auto* rounds = find(*object, "rounds");
  if (!rounds) return std::nullopt;
  boost::system::error_code error;
  Claim claim{.rounds = rounds->to_number<std::uint64_t>(error)};
  const auto taken = ago(*object, "taken_seconds_ago");
  const auto last = ago(*object, "last_round_seconds_ago");
  if (error || !taken || (claim.rounds > 0 && !last)) return bad("a claim without its times");
  claim.taken = *taken;
  claim.last_round = last.value_or(Nanoseconds{});
  return std::pair(TargetId{.system = std::move(*system), .name = std::move(*name)}, claim);
}

}  // namespace

std::string_view status_of(const Standing& standing) {
  if (!standing.decided) return "undecided";
  if (!standing.here) return "elsewhere";
  if (!standing.asker.empty()) return "twice";
  return standing.silent.empty() ? "here" : "perhaps_twice";
}

std::string print_claims(std::string_view self, const Standings& standings, const Claims& claims) {
  json::array targets;
  for (const auto& [id, standing] : standings) {
    const auto claim = claims.find(id);
    targets.push_back(object_of(id, standing, claim == claims.end() ? nullptr : &claim->second));
  }
  json::object data;
  data["self"] = self;
  data["targets"] = std::move(targets);
  json::object root;
  root["status"] = "success";
  root["data"] = std::move(data);
  return json::serialize(root) + "\n";
}

Result<Claims> read_claims(std::string_view body) {
  if (body.size() > kMostBytes) return fail(ErrorKind::too_large, "the answer about placement is too large");
  json::parse_options options;
  options.max_depth = kMostDepth;
  json::error_code error;
  const auto root = json::parse({body.data(), body.size()}, error, {}, options);
  if (error || !root.is_object()) return bad("no JSON object");
  const auto* data = find(root.get_object(), "data");
  const auto* object = data ? data->if_object() : nullptr;
  const auto* targets = object ? find(*object, "targets") : nullptr;
  const auto* list = targets ? targets->if_array() : nullptr;
  if (!list) return bad("no data.targets");
  Claims out;
  for (const auto& one : *list) {
    auto read = read_target(one);
    if (!read) return std::unexpected(read.error());
    if (*read) out.insert(std::move(**read));
  }
  return out;
}

}  // namespace qw::placement
