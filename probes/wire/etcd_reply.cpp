#include "probes/wire/etcd_reply.hpp"

#include <fmt/format.h>

#include <array>
#include <boost/json.hpp>
#include <utility>

#include "daemon/base/text.hpp"

namespace qw::wire {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxBody = 1 << 20;
constexpr std::size_t kMaxDepth = 32;
constexpr std::size_t kMaxEntries = 1024;
constexpr std::size_t kMaxToken = 8 << 10;  // a JWT of etcd has about 400 bytes
// etcd itself allows 50 s (embed/config.go, maxElectionMs).
constexpr std::uint64_t kMaxElectionMilliseconds = 50'000;

std::unexpected<Error> malformed(std::string_view what) {
  return fail(ErrorKind::protocol, std::string(what));
}

Result<json::object> parse_object(std::string_view body) {
  if (body.size() > kMaxBody) return fail(ErrorKind::too_large, "the reply has more than 1 MiB");
  json::error_code problem;
  json::parse_options options;
  options.max_depth = kMaxDepth;
  auto value = json::parse(json::string_view(body.data(), body.size()), problem, {}, options);
  if (problem) return malformed(fmt::format("not JSON: {}", problem.message()));
  auto* object = value.if_object();
  if (object == nullptr) return malformed("not a JSON object");
  return std::move(*object);
}

/// Reads the fields of one object; keeps the first problem, so that a reader asks for all its fields and
/// looks once.
class Reader {
 public:
  Reader(const json::object& object, std::string path) : object_(object), path_(std::move(path)) {}

  /// "15276262748873838274"; a field that is left out is 0, as proto3 leaves zeros out.
  std::uint64_t decimal(std::string_view key) {
    const auto* value = find(key);
    if (value == nullptr) return 0;
    return number(key, text_of(value), parse_uint64, "a decimal string");
  }

  /// "bb7d371eb677b2bf", without leading zeros; must be there.
  std::uint64_t hex(std::string_view key) {
    return number(key, text_of(find(key)), parse_hex_uint64, "a hex string");
  }

  /// A bare JSON number; must be there.
  std::uint64_t plain(std::string_view key) {
    const auto* value = find(key);
    if (value != nullptr && value->is_uint64()) return value->get_uint64();
    if (value != nullptr && value->is_int64() && value->get_int64() >= 0) {
      return static_cast<std::uint64_t>(value->get_int64());
    }
    complain(key, "a number");
    return 0;
  }

  /// Empty when it is left out.
  std::string_view text(std::string_view key) {
    const auto* value = find(key);
    if (value == nullptr) return {};
    const auto found = text_of(value);
    if (!found) complain(key, "a string");
    return found.value_or("");
  }

  bool flag(std::string_view key) {
    const auto* value = find(key);
    if (value == nullptr) return false;
    if (!value->is_bool()) complain(key, "true or false");
    return value->is_bool() && value->get_bool();
  }

  /// Null when it is left out.
  const json::array* array(std::string_view key) {
    const auto* value = find(key);
    if (value == nullptr) return nullptr;
    if (!value->is_array()) {
      complain(key, "a list");
      return nullptr;
    }
    if (value->get_array().size() > kMaxEntries) {
      complain(key, "at most 1,024 entries");
      return nullptr;
    }
    return &value->get_array();
  }

  /// Must be there.
  const json::object* object(std::string_view key) {
    const auto* value = find(key);
    if (value == nullptr || !value->is_object()) {
      complain(key, "an object");
      return nullptr;
    }
    return &value->get_object();
  }

  void complain(std::string_view key, std::string_view expected) {
    if (!problem_.empty()) return;
    problem_ = fmt::format("{}{}{}: expected {}", path_, path_.empty() ? "" : ".", key, expected);
  }

  bool good() const { return problem_.empty(); }
  std::unexpected<Error> error() const { return malformed(problem_); }

 private:
  const json::value* find(std::string_view key) const {
    return object_.if_contains(json::string_view(key.data(), key.size()));
  }

  static std::optional<std::string_view> text_of(const json::value* value) {
    if (value == nullptr || !value->is_string()) return std::nullopt;
    return std::string_view(value->get_string().data(), value->get_string().size());
  }

  std::uint64_t number(std::string_view key, std::optional<std::string_view> text,
                       std::optional<std::uint64_t> (*parse)(std::string_view), std::string_view expected) {
    const auto parsed = text ? parse(*text) : std::nullopt;
    if (!parsed) complain(key, expected);
    return parsed.value_or(0);
  }

  const json::object& object_;
  std::string path_;
  std::string problem_;
};

std::optional<EtcdState> parse_state(std::string_view word) {
  static constexpr std::array<std::pair<std::string_view, EtcdState>, 4> kWords{{
      {"StateFollower", EtcdState::follower},
      {"StatePreCandidate", EtcdState::pre_candidate},
      {"StateCandidate", EtcdState::candidate},
      {"StateLeader", EtcdState::leader},
  }};
  for (const auto& [text, state] : kWords) {
    if (text == word) return state;
  }
  return std::nullopt;
}

EtcdSending parse_sending(std::string_view word) {
  if (word == "StateProbe") return EtcdSending::probe;
  if (word == "StateReplicate") return EtcdSending::replicate;
  if (word == "StateSnapshot") return EtcdSending::snapshot;
  return EtcdSending::unknown;
}

Result<std::vector<EtcdProgress>> read_progress(const json::object& peers) {
  if (peers.size() > kMaxEntries) return malformed("raft.status.progress: expected at most 1,024 entries");
  std::vector<EtcdProgress> progress;
  for (const auto& [key, value] : peers) {
    const auto id = parse_hex_uint64(std::string_view(key.data(), key.size()));
    if (!id || !value.is_object()) return malformed("raft.status.progress: expected members by hex id");
    Reader reader(value.get_object(), fmt::format("raft.status.progress.{:x}", *id));
    progress.push_back(
        {.id = *id, .match = reader.plain("match"), .sending = parse_sending(reader.text("state"))});
    if (!reader.good()) return reader.error();
  }
  return progress;
}

/// The value of a flag; nothing where it is not there. Go's flag package takes one dash or two, and the value
/// in the same word or in the next; the last one counts.
std::optional<std::string_view> find_flag(const json::array& words, std::string_view flag) {
  const auto text = [&words](std::size_t i) {
    if (i >= words.size() || !words[i].is_string()) return std::string_view();
    return std::string_view(words[i].get_string().data(), words[i].get_string().size());
  };
  std::optional<std::string_view> value;
  for (std::size_t i = 0; i < words.size(); ++i) {
    auto word = text(i);
    if (!word.starts_with('-')) continue;
    word.remove_prefix(word.starts_with("--") ? 2 : 1);
    if (!word.starts_with(flag)) continue;
    word.remove_prefix(flag.size());
    if (word.empty()) {
      value = text(i + 1);
    } else if (word.starts_with('=')) {
      value = word.substr(1);
    }
  }
  return value;
}

std::optional<Nanoseconds> find_milliseconds(const json::array& words, std::string_view flag) {
  const auto text = find_flag(words, flag);
  const auto milliseconds = text ? parse_uint64(*text) : std::nullopt;
  if (!milliseconds || *milliseconds == 0 || *milliseconds > kMaxElectionMilliseconds) return std::nullopt;
  return std::chrono::milliseconds(*milliseconds);
}

void read_flags(const json::array& words, EtcdVars& vars) {
  if (words.empty() || !words[0].is_string() || find_flag(words, "config-file")) return;
  vars.flags_count = true;
  vars.election_timeout = find_milliseconds(words, "election-timeout");
  vars.heartbeat_interval = find_milliseconds(words, "heartbeat-interval");
}

/// "memberID:13510015062231200447 alarm:NOSPACE "; the blanks vary between versions. Other errors
/// ("etcdserver: no leader") are no alarms.
std::optional<EtcdAlarm> parse_alarm(std::string_view text) {
  static constexpr std::string_view kMember = "memberID:";
  static constexpr std::string_view kAlarm = "alarm:";
  EtcdAlarm alarm;
  for (const auto word : split(text, ' ')) {
    if (word.starts_with(kMember)) alarm.member_id = parse_uint64(word.substr(kMember.size())).value_or(0);
    if (word.starts_with(kAlarm)) alarm.alarm = sanitize(word.substr(kAlarm.size()), 32);
  }
  if (alarm.member_id == 0 || alarm.alarm.empty()) return std::nullopt;
  return alarm;
}

}  // namespace

Result<EtcdVars> parse_etcd_vars(std::string_view body) {
  auto root = parse_object(body);
  if (!root) return std::unexpected(root.error());
  Reader outer(*root, "");
  const auto* raft = outer.object("raft.status");
  if (raft == nullptr) return outer.error();

  Reader reader(*raft, "raft.status");
  EtcdVars vars;
  vars.id = reader.hex("id");
  vars.term = reader.plain("term");
  vars.commit = reader.plain("commit");
  vars.applied = reader.plain("applied");
  vars.lead = reader.hex("lead");
  vars.lead_transferee = reader.hex("leadtransferee");
  const auto state = parse_state(reader.text("raftState"));
  if (!state) reader.complain("raftState", "a state of raft");
  const auto* peers = reader.object("progress");
  if (vars.id == 0) reader.complain("id", "a member");
  if (!reader.good()) return reader.error();

  auto progress = read_progress(*peers);
  if (!progress) return std::unexpected(progress.error());
  vars.state = *state;
  vars.progress = std::move(*progress);
  const auto* command_line = root->if_contains("cmdline");
  if (command_line != nullptr && command_line->is_array()) {
    read_flags(command_line->get_array(), vars);
  }
  return vars;
}

Result<EtcdStatus> parse_etcd_status(std::string_view body) {
  auto root = parse_object(body);
  if (!root) return std::unexpected(root.error());
  Reader reader(*root, "");
  const auto* header = reader.object("header");
  if (header == nullptr) return reader.error();
  Reader from(*header, "header");
  EtcdStatus status;
  status.cluster_id = from.decimal("cluster_id");
  status.member_id = from.decimal("member_id");
  if (status.cluster_id == 0) from.complain("cluster_id", "a cluster");
  if (status.member_id == 0) from.complain("member_id", "a member");
  if (!from.good()) return from.error();

  status.version = sanitize(reader.text("version"), 32);
  status.leader = reader.decimal("leader");
  status.commit = reader.decimal("raftIndex");
  status.applied_term = reader.decimal("raftTerm");
  status.learner = reader.flag("isLearner");
  const auto* errors = reader.array("errors");
  if (!reader.good()) return reader.error();
  if (errors == nullptr) return status;
  for (const auto& error : *errors) {
    if (!error.is_string()) return malformed("errors: expected strings");
    auto alarm = parse_alarm(std::string_view(error.get_string().data(), error.get_string().size()));
    if (alarm) status.alarms.push_back(std::move(*alarm));
  }
  return status;
}

Result<EtcdMembers> parse_etcd_members(std::string_view body) {
  auto root = parse_object(body);
  if (!root) return std::unexpected(root.error());
  Reader reader(*root, "");
  const auto* header = reader.object("header");
  const auto* list = reader.array("members");
  if (!reader.good()) return reader.error();
  Reader from(*header, "header");
  EtcdMembers members;
  members.cluster_id = from.decimal("cluster_id");
  members.member_id = from.decimal("member_id");
  if (members.cluster_id == 0) from.complain("cluster_id", "a cluster");
  if (!from.good()) return from.error();
  if (list == nullptr || list->empty()) return malformed("members: expected at least one");

  for (const auto& entry : *list) {
    if (!entry.is_object()) return malformed("members: expected objects");
    Reader one(entry.get_object(), "members");
    EtcdMember member;
    member.id = one.decimal("ID");
    if (member.id == 0) one.complain("ID", "a member");
    member.learner = one.flag("isLearner");
    const auto* urls = one.array("clientURLs");
    if (!one.good()) return one.error();
    for (std::size_t i = 0; urls != nullptr && i < urls->size(); ++i) {
      const auto* url = (*urls)[i].if_string();
      if (url == nullptr) return malformed("members.clientURLs: expected strings");
      member.client_urls.emplace_back(url->data(), url->size());
    }
    members.members.push_back(std::move(member));
  }
  return members;
}

std::string make_etcd_login(std::string_view name, std::string_view password) {
  json::object login;
  login["name"] = json::string_view(name.data(), name.size());
  login["password"] = json::string_view(password.data(), password.size());
  return json::serialize(login);
}

Result<std::string> parse_etcd_token(std::string_view body) {
  auto root = parse_object(body);
  if (!root) return std::unexpected(root.error());
  Reader reader(*root, "");
  const auto token = reader.text("token");
  if (!reader.good()) return reader.error();
  if (token.empty() || token.size() > kMaxToken) return malformed("token: expected one");
  // It becomes a header line, so nothing but visible characters may get in.
  for (const char c : token) {
    if (c <= ' ' || c > '~') return malformed("token: expected visible characters");
  }
  return std::string(token);
}

Error read_etcd_refusal(unsigned status, std::string_view body) {
  std::string message;
  if (auto root = parse_object(body)) {
    Reader reader(*root, "");
    // 3.7 leaves `error` out; a gateway in between may have objects there.
    message = sanitize(reader.text("message"));
    if (message.empty()) message = sanitize(reader.text("error"));
  }
  // grpc-gateway answers 400 both for a missing and for a wrong password (InvalidArgument), so etcd's words
  // decide.
  static constexpr std::array<std::string_view, 5> kRights{"user name is empty", "invalid auth token",
                                                           "authentication failed", "permission denied",
                                                           "authentication is not enabled"};
  bool rejected = status == 401 || status == 403;
  for (const auto words : kRights) rejected = rejected || message.contains(words);
  auto text = message.empty() ? fmt::format("HTTP status {}", status)
                              : fmt::format("HTTP status {}: {}", status, message);
  return {rejected ? ErrorKind::rejected : ErrorKind::protocol, std::move(text)};
}

}  // namespace qw::wire
