#include "daemon/export/api_journal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "daemon/base/duration.hpp"
#include "daemon/base/text.hpp"
#include "daemon/export/form.hpp"
#include "daemon/export/query_json.hpp"
#include "daemon/journal/event_json.hpp"
#include "daemon/journal/report.hpp"

namespace qw::exporting {
namespace {

constexpr std::size_t kMost = 1000;

struct Wanted {
  WallTime since{}, until{};
  std::string target;
  std::optional<journal::Kind> kind;
  std::size_t limit = kMost;
};

std::unexpected<Error> bad(std::string_view parameter) {
  return fail(ErrorKind::config, fmt::format("invalid parameter \"{}\"", parameter));
}

Result<WallTime> read_time(std::string_view text, std::string_view parameter, WallTime now) {
  if (const auto ago = parse_duration(text); ago && text != "0") return now - *ago;
  const auto millis = parse_api_time(text);
  // Beyond this it does not fit into nanoseconds.
  constexpr std::int64_t kLatest = 9'000'000'000'000;
  if (!millis || *millis < -kLatest || *millis > kLatest) return bad(parameter);
  return WallTime(std::chrono::milliseconds(*millis));
}

Result<Wanted> read(std::string_view query, WallTime now) {
  const Form form(query, "");
  Wanted out{.since = WallTime::min(), .until = WallTime::max(), .target = {}, .kind = {}};
  for (const auto& [name, into] : {std::pair("since", &out.since), std::pair("until", &out.until)}) {
    if (form.get(name).empty()) continue;
    const auto time = read_time(form.get(name), name, now);
    if (!time) return std::unexpected(time.error());
    *into = *time;
  }
  out.target = form.get("target");
  if (const auto kind = form.get("kind"); !kind.empty()) {
    out.kind = journal::kind(kind);
    if (!out.kind) return bad("kind");
  }
  if (const auto limit = form.get("limit"); !limit.empty()) {
    const auto number = parse_uint64(limit);
    if (!number || *number == 0) return bad("limit");
    out.limit = std::min<std::size_t>(*number, kMost);
  }
  return out;
}

}  // namespace

net::ServerReply journal_reply(const std::vector<journal::Event>& events, std::string_view query,
                               WallTime now) {
  net::ServerReply reply;
  reply.content_type = "application/json";
  reply.headers.emplace_back("Cache-Control", "no-store");
  const auto wanted = read(query, now);
  if (!wanted) {
    reply.status = 400;
    reply.body = std::make_shared<const std::string>(error_json("bad_data", wanted.error().message()));
    return reply;
  }
  std::vector<const journal::Event*> chosen;
  for (const auto& event : events) {
    if (event.at < wanted->since || event.at >= wanted->until) continue;
    if (wanted->kind && event.kind != *wanted->kind) continue;
    if (journal::is_about(event, wanted->target)) chosen.push_back(&event);
  }
  const bool more = chosen.size() > wanted->limit;
  if (more) chosen.erase(chosen.begin(), chosen.end() - static_cast<std::ptrdiff_t>(wanted->limit));
  std::string body = R"({"status":"success","data":{"events":[)";
  for (const auto* event : chosen) {
    if (event != chosen.front()) body += ',';
    body += journal::encode_event(*event);
  }
  body += fmt::format(R"(],"more":{}}}}})", more);
  body += '\n';
  reply.body = std::make_shared<const std::string>(std::move(body));
  return reply;
}

}  // namespace qw::exporting
