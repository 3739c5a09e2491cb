#include "daemon/export/api_journal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "daemon/base/duration.hpp"
#include "daemon/base/rfc3339.hpp"
#include "daemon/base/text.hpp"
#include "daemon/export/form.hpp"
#include "daemon/export/query_json.hpp"
#include "daemon/journal/event_json.hpp"

namespace qw::exporting {
namespace {

constexpr std::size_t kMost = 1000;

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

Result<journal::Search> read_search(std::string_view query, WallTime now) {
  const Form form(query, "");
  journal::Search out;
  out.limit = kMost;
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

std::string json_of(const journal::Found& found, const std::vector<std::string>& warnings) {
  std::string data = R"({"events":[)";
  for (const auto& event : found.events) {
    if (&event != &found.events.front()) data += ',';
    data += journal::encode_event(event);
  }
  data += fmt::format(R"(],"more":{})", found.older_than.has_value());
  if (found.older_than) data += fmt::format(R"(,"older_than":"{}")", format_time(*found.older_than));
  return success_json(data + '}', warnings) + '\n';
}

}  // namespace

Task<net::ServerReply> journal_reply(const journal::Journal& journal, net::ServerRequest request,
                                     WallTime now) {
  net::ServerReply reply;
  reply.content_type = "application/json";
  reply.headers.emplace_back("Cache-Control", "no-store");
  const auto wanted = read_search(request.query, now);
  if (!wanted) {
    reply.status = 400;
    reply.body = std::make_shared<const std::string>(error_json("bad_data", wanted.error().message()));
    co_return reply;
  }
  auto found = co_await journal.search(*wanted);
  if (!found && found.error().kind() == ErrorKind::rejected) {
    reply.status = 503;
    reply.headers.emplace_back("Retry-After", "1");
    reply.body = std::make_shared<const std::string>(error_json("unavailable", found.error().message()));
    co_return reply;
  }
  std::vector<std::string> warnings;
  if (!found) {
    warnings.push_back("the journal can not be read, and this is what is in memory: " +
                       found.error().message());
    found = journal::newest_of(*journal.recent(), *wanted);
  }
  reply.body = std::make_shared<const std::string>(json_of(*found, warnings));
  co_return reply;
}

}  // namespace qw::exporting
