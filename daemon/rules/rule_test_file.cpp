#include "daemon/rules/rule_test_file.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "daemon/base/text.hpp"

namespace qw::rules {
namespace {

/// A number as YAML has it.
std::optional<double> parse_yaml_number(std::string text) {
  std::erase(text, '_');
  const bool negative = text.starts_with('-');
  const auto magnitude = std::string_view(text).substr(negative || text.starts_with('+') ? 1 : 0);
  if (magnitude == ".inf" || magnitude == ".Inf" || magnitude == ".INF") {
    return negative ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
  }
  if (text == ".nan" || text == ".NaN" || text == ".NAN") return std::numeric_limits<double>::quiet_NaN();
  const bool digits =
      !magnitude.empty() && (magnitude[0] == '.' || (magnitude[0] >= '0' && magnitude[0] <= '9'));
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  return digits && *end == '\0' ? std::optional(value) : std::nullopt;
}

/// "2024-01-01T00:00:00Z", or seconds of Unix time.
std::optional<Millis> parse_start(const std::string& text) {
  if (const auto seconds = parse_yaml_number(text); seconds && std::isfinite(*seconds)) {
    return std::fabs(*seconds) < 1e12 ? std::optional(static_cast<Millis>(*seconds * 1000)) : std::nullopt;
  }
  unsigned year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  int size = 0;
  if (std::sscanf(text.c_str(), "%4u-%2u-%2uT%2u:%2u:%2uZ%n", &year, &month, &day, &hour, &minute, &second,
                  &size) != 6 ||
      static_cast<std::size_t>(size) != text.size()) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date(std::chrono::year(static_cast<int>(year)), std::chrono::month(month),
                                         std::chrono::day(day));
  if (!date.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;
  const auto days = std::chrono::sys_days(date).time_since_epoch();
  return (std::chrono::duration_cast<std::chrono::seconds>(days).count() + hour * 3600 + minute * 60 +
          second) *
         1000;
}

class Reader {
 public:
  Reader(std::string_view text, const std::string& file) : reading_(text, file) {}

  RuleTestFile read() {
    config::Document document;
    if (config::parse_document(reading_.text, document, reading_.problems)) {
      if (document.root()) {
        root(*document.root());
      } else {
        reading_.problems.add({}, "", "nothing in the file");
      }
    }
    out_.problems = reading_.problems.take();
    return std::move(out_);
  }

 private:
  void root(const config::Node& node) {
    YamlFields fields(reading_, &node, "");
    out_.rule_files = texts(fields, "rule_files");
    if (const auto interval = fields.duration("evaluation_interval"); interval && *interval > 0) {
      out_.evaluation_interval = *interval;
    }
    out_.group_order = texts(fields, "group_eval_order");
    out_.fuzzy = fields.boolean("fuzzy_compare").value_or(false);
    for (const auto& element : fields.list("tests")) group(element);
    fields.finish();
  }

  std::vector<std::string> texts(YamlFields& fields, std::string_view key) {
    std::vector<std::string> out;
    for (const auto& element : fields.list(key)) {
      if (element.node->kind == config::Node::Kind::scalar) {
        out.push_back(element.node->text);
      } else {
        reading_.problems.add(element.node->place, element.path, "expected a text");
      }
    }
    return out;
  }

  void group(const YamlFields::Element& element) {
    YamlFields fields(reading_, element.node, element.path);
    if (!fields.usable()) return;
    RuleTestGroup out;
    out.name = fields.text("name").value_or("");
    out.interval = fields.duration("interval").value_or(0);
    if (out.interval == 0) out.interval = out_.evaluation_interval;
    if (const auto start = fields.text("start_timestamp")) {
      const auto read = parse_start(*start);
      if (!read)
        fields.problem("start_timestamp", "expected a time such as 2024-01-01T00:00:00Z, or seconds");
      out.start = read.value_or(0);
    }
    for (const auto& one : fields.list("input_series")) series(one, out);
    for (const auto& one : fields.list("alert_rule_test")) alert(one, out);
    for (const auto& one : fields.list("promql_expr_test")) expr(one, out);
    for (auto& pair : fields.pairs("external_labels")) out.external_labels.set(pair.name, pair.value);
    out.external_url = fields.text("external_url").value_or("");
    const auto no_data = fields.text("no_data").value_or("resolve");
    if (no_data != "keep" && no_data != "resolve") fields.problem("no_data", "expected keep or resolve");
    out.keep_without_data = no_data == "keep";
    fields.finish();
    out_.groups.push_back(std::move(out));
  }

  void series(const YamlFields::Element& element, RuleTestGroup& into) {
    YamlFields fields(reading_, element.node, element.path);
    if (!fields.usable()) return;
    const auto* node = fields.node("series");
    const auto labels = fields.text("series").value_or(""), values = fields.text("values").value_or("");
    fields.finish();
    auto parsed = promql::parse_series(labels + " " + values);
    if (parsed) {
      into.series.push_back(std::move(*parsed));
      return;
    }
    const auto& error = parsed.error();
    if (!node) return fields.problem("series", error.message);
    if (error.span.begin <= labels.size()) {
      reading_.add(*node, error.span.begin, fields.path_of("series"), error.message);
    } else {
      fields.problem("values", error.message);
    }
  }

  Labels labels_of(YamlFields& fields, std::string_view key) {
    Labels out;
    for (auto& pair : fields.pairs(key)) out.set(pair.name, pair.value);
    return out;
  }

  std::vector<ExpectedAlert> alerts_of(YamlFields& fields, std::string_view key,
                                       const std::string& alertname) {
    std::vector<ExpectedAlert> out;
    for (const auto& element : fields.list(key)) {
      YamlFields alert(reading_, element.node, element.path);
      if (!alert.usable()) continue;
      ExpectedAlert expected{labels_of(alert, "exp_labels"), labels_of(alert, "exp_annotations")};
      expected.labels.set("alertname", alertname);
      alert.finish();
      out.push_back(std::move(expected));
    }
    return out;
  }

  void alert(const YamlFields::Element& element, RuleTestGroup& into) {
    YamlFields fields(reading_, element.node, element.path);
    if (!fields.usable()) return;
    AlertExpectation out;
    out.at = fields.duration("eval_time").value_or(0);
    out.alertname = fields.text("alertname").value_or("");
    if (out.alertname.empty()) fields.problem("alertname", "missing key 'alertname'");
    out.firing = alerts_of(fields, "exp_alerts", out.alertname);
    if (fields.has("exp_pending")) out.pending = alerts_of(fields, "exp_pending", out.alertname);
    if (fields.has("exp_unknown")) out.unknown = alerts_of(fields, "exp_unknown", out.alertname);
    fields.finish();
    into.alerts.push_back(std::move(out));
  }

  void expr(const YamlFields::Element& element, RuleTestGroup& into) {
    YamlFields fields(reading_, element.node, element.path);
    if (!fields.usable()) return;
    ExprExpectation out;
    out.at = fields.duration("eval_time").value_or(0);
    out.expr = fields.text("expr").value_or("");
    for (const auto& one : fields.list("exp_samples")) sample(one, out);
    fields.finish();
    into.exprs.push_back(std::move(out));
  }

  void sample(const YamlFields::Element& element, ExprExpectation& into) {
    YamlFields fields(reading_, element.node, element.path);
    if (!fields.usable()) return;
    ExpectedSample out;
    const auto labels = fields.text("labels").value_or("");
    if (!trim(labels).empty()) {
      const auto parsed = promql::parse_series(labels + " 1");
      if (parsed) {
        out.labels = parsed->labels;
      } else {
        fields.problem("labels", parsed.error().message);
      }
    }
    if (const auto value = fields.text("value")) {
      const auto read = parse_yaml_number(*value);
      if (!read) fields.problem("value", fmt::format("expected a number, got {}", config::quote(*value)));
      out.value = read.value_or(0);
    }
    if (fields.node("histogram")) fields.problem("histogram", "native histograms are not supported");
    fields.finish();
    into.samples.push_back(std::move(out));
  }

  YamlReading reading_;
  RuleTestFile out_;
};

}  // namespace

RuleTestFile read_rule_test_file(std::string_view text, const std::string& file) {
  return Reader(text, file).read();
}

}  // namespace qw::rules
