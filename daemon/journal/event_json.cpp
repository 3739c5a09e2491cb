#include "daemon/journal/event_json.hpp"

#include <boost/json.hpp>
#include <utility>

#include "daemon/base/rfc3339.hpp"
#include "daemon/base/text.hpp"

namespace qw::journal {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxName = 128;
constexpr std::size_t kMaxWhat = 64;

/// Nothing when the key is missing or is no text.
std::optional<std::string> text_of(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  if (!value || !value->is_string()) return std::nullopt;
  return std::string(value->get_string());
}

std::unexpected<Error> bad(std::string_view what) {
  return fail(ErrorKind::protocol, "no event of the journal: " + std::string(what));
}

Result<void> read_evidence(const json::object& object, Event& into) {
  const auto* list = object.if_contains("evidence");
  if (!list) return {};
  if (!list->is_array()) return bad("evidence");
  for (const auto& pair : list->get_array()) {
    if (into.evidence.size() == kMaxEvidence) break;
    const auto* both = pair.if_array();
    if (!both || both->size() != 2 || !(*both)[0].is_string() || !(*both)[1].is_string())
      return bad("evidence");
    into.evidence.emplace_back(std::string((*both)[0].get_string()), std::string((*both)[1].get_string()));
  }
  return {};
}

}  // namespace

void make_safe(Event& event) {
  const auto safe = [](std::string& text, std::size_t most) { text = sanitize(text, most); };
  safe(event.target.system, kMaxName);
  safe(event.target.name, kMaxName);
  safe(event.subject, kMaxSubject);
  safe(event.what, kMaxWhat);
  safe(event.text, kMaxText);
  if (event.evidence.size() > kMaxEvidence) event.evidence.resize(kMaxEvidence);
  for (auto& [fact, value] : event.evidence) {
    safe(fact, kMaxEvidenceText);
    safe(value, kMaxEvidenceText);
  }
}

std::string encode_event(const Event& event) {
  json::object out;
  out["at"] = print_timestamp(event.at);
  out["kind"] = name(event.kind);
  out["change"] = name(event.change);
  out["severity"] = name(event.severity);
  if (!event.target.system.empty()) out["system"] = event.target.system;
  if (!event.target.name.empty()) out["target"] = event.target.name;
  if (!event.subject.empty()) out["subject"] = event.subject;
  out["what"] = event.what;
  out["text"] = event.text;
  json::array evidence;
  for (const auto& [fact, value] : event.evidence) evidence.push_back(json::array{fact, value});
  if (!evidence.empty()) out["evidence"] = std::move(evidence);
  return json::serialize(out);
}

Result<Event> decode_event(std::string_view line) {
  if (line.size() > kMaxLine) return bad("too long");
  json::parse_options options;
  options.max_depth = 4;
  boost::system::error_code error;
  const auto value = json::parse(line, error, {}, options);
  if (error || !value.is_object()) return bad("no JSON object");
  const auto& object = value.get_object();
  const auto at = parse_timestamp(text_of(object, "at").value_or(""));
  const auto of_kind = kind(text_of(object, "kind").value_or(""));
  const auto of_change = change(text_of(object, "change").value_or(""));
  const auto of_severity = severity(text_of(object, "severity").value_or(""));
  auto what = text_of(object, "what");
  auto text = text_of(object, "text");
  if (!at) return bad("at");
  if (!of_kind || !of_change || !of_severity) return bad("kind, change or severity");
  if (!what || what->empty() || !text) return bad("what or text");
  Event event;
  event.at = *at;
  event.kind = *of_kind;
  event.change = *of_change;
  event.severity = *of_severity;
  event.target = {.system = text_of(object, "system").value_or(""),
                  .name = text_of(object, "target").value_or("")};
  event.subject = text_of(object, "subject").value_or("");
  event.what = std::move(*what);
  event.text = std::move(*text);
  if (auto read = read_evidence(object, event); !read) return std::unexpected(read.error());
  make_safe(event);
  return event;
}

}  // namespace qw::journal
