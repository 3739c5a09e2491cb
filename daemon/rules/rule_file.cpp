#include "daemon/rules/rule_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "daemon/base/text.hpp"
#include "daemon/promql/parser.hpp"
#include "daemon/rules/yaml_fields.hpp"

namespace qw::rules {
namespace {

class Reader {
 public:
  Reader(std::string_view text, const std::string& file) : reading_(text, file), file_(file) {}

  RuleFile read() {
    config::Document document;
    RuleFile out;
    if (config::parse_document(reading_.text, document, reading_.problems) && document.root()) {
      root(*document.root(), out);
    }
    out.problems = reading_.problems.take();
    return out;
  }

 private:
  void root(const config::Node& node, RuleFile& out) {
    YamlFields fields(reading_, &node, "");
    for (const auto& element : fields.list("groups")) {
      if (auto made = group(element)) out.groups.push_back(std::move(*made));
    }
    fields.finish();
  }

  std::optional<RuleGroup> group(const YamlFields::Element& element) {
    YamlFields fields(reading_, element.node, element.path);
    if (!fields.usable()) return std::nullopt;
    RuleGroup out;
    out.file = file_;
    out.place = fields.place();
    out.name = fields.text("name").value_or("");
    if (out.name.empty()) {
      fields.problem("name", "the name of a group must not be empty");
    } else if (const auto [first, is_new] = names_.emplace(out.name, fields.place().line); !is_new) {
      fields.problem("name", fmt::format("there is another group of this name in line {}", first->second));
    }
    out.interval = fields.duration("interval");
    if (out.interval == 0) out.interval = std::nullopt;
    out.query_offset = fields.duration("query_offset");
    const auto limit = fields.integer("limit");
    if (limit && *limit < 0) fields.problem("limit", "must not be negative");
    out.limit = static_cast<std::size_t>(std::max<std::int64_t>(limit.value_or(0), 0));
    const auto shared = labels(fields, true);
    for (const auto& rule_element : fields.list("rules")) {
      if (auto made = rule(rule_element, shared)) out.rules.push_back(std::move(made));
    }
    fields.finish();
    out.fingerprint = fingerprint(out);
    return out;
  }

  RulePtr rule(const YamlFields::Element& element, const std::vector<NamedTemplate>& shared) {
    YamlFields fields(reading_, element.node, element.path);
    if (!fields.usable()) return nullptr;
    auto out = std::make_shared<Rule>();
    out->place = fields.place();
    name(fields, *out);
    expression(fields, *out);
    out->hold = fields.duration("for").value_or(0);
    out->keep_firing = fields.duration("keep_firing_for").value_or(0);
    out->labels = labels(fields, out->alerting);
    out->annotations = annotations(fields);
    if (!out->alerting) refuse_of_alerts(fields);
    for (const auto& label : shared) {
      const auto own = std::ranges::find(out->labels, label.name, &NamedTemplate::name);
      if (own != out->labels.end()) continue;
      out->labels.push_back(label);
      if (!out->alerting) out->labels.back().text = Template::plain(label.text.text());
    }
    std::ranges::sort(out->labels, {}, &NamedTemplate::name);
    fields.finish();
    return out;
  }

  void name(YamlFields& fields, Rule& rule) {
    const auto alert = fields.text("alert").value_or(""), record = fields.text("record").value_or("");
    rule.alerting = !alert.empty();
    rule.name = rule.alerting ? alert : record;
    if (!alert.empty() && !record.empty()) {
      fields.problem("record", "only one of 'record' and 'alert' must be set");
    } else if (rule.name.empty()) {
      fields.problem("", "one of 'record' or 'alert' must be set");
    } else if (!rule.alerting && record.find_first_of("{}") != std::string::npos) {
      fields.problem("record",
                     fmt::format("braces in the name of a recording rule: {}; should it be in expr?",
                                 config::quote(record)));
    } else if (!rule.alerting && !promql::is_metric_name(record)) {
      fields.problem("record", fmt::format("{} is no name of a metric", config::quote(record)));
    }
  }

  void expression(YamlFields& fields, Rule& rule) {
    const auto* node = fields.node("expr");
    const auto text = fields.text("expr");
    rule.expr_place = fields.place_of("expr");
    if (!text || trim(*text).empty()) {
      if (!node || text) fields.problem("expr", "field 'expr' must be set");
      return;
    }
    rule.text = *text;
    auto parsed = promql::parse(*text);
    if (!parsed) {
      const auto& error = parsed.error();
      return reading_.add(*node, error.span.begin, fields.path_of("expr"),
                          "could not parse expression: " + error.print(*text));
    }
    const auto type = (*parsed)->type;
    if (type != promql::ValueType::scalar && type != promql::ValueType::vector) {
      return fields.problem("expr", fmt::format("the result of a rule must be an instant vector or a scalar, "
                                                "this is a {}",
                                                promql::name(type)));
    }
    rule.expr = std::move(*parsed);
  }

  void refuse_of_alerts(YamlFields& fields) {
    for (const std::string_view key : {"annotations", "for", "keep_firing_for"}) {
      if (!fields.has(key)) continue;
      fields.problem(key, fmt::format("invalid field '{}' in a recording rule", key));
    }
  }

  std::vector<NamedTemplate> labels(YamlFields& fields, bool templates) {
    std::vector<NamedTemplate> out;
    for (const auto& pair : fields.pairs("labels")) {
      if (!is_label_name(pair.name) || pair.name == "__name__") {
        reading_.problems.add(pair.place, pair.path,
                              fmt::format("invalid label name: {}", config::quote(pair.name)));
      }
      out.push_back(
          {pair.name, templates ? parse(pair) : Template::plain(pair.value), pair.node->place, false});
    }
    return out;
  }

  std::vector<NamedTemplate> annotations(YamlFields& fields) {
    std::vector<NamedTemplate> out;
    for (const auto& pair : fields.pairs("annotations")) {
      if (!is_label_name(pair.name)) {
        reading_.problems.add(pair.place, pair.path,
                              fmt::format("invalid annotation name: {}", config::quote(pair.name)));
      }
      out.push_back({pair.name, parse(pair), pair.node->place, false});
    }
    std::ranges::sort(out, {}, &NamedTemplate::name);
    return out;
  }

  Template parse(const YamlFields::Pair& pair) {
    auto parsed = Template::parse(pair.value);
    if (parsed) return std::move(*parsed);
    const auto& error = parsed.error();
    reading_.add(*pair.node, error.offset, pair.path, "template: " + error.message);
    return {};
  }

  static std::uint64_t fingerprint(const RuleGroup& group) {
    std::string all =
        fmt::format("{}\0{}\0{}", group.interval.value_or(-1), group.query_offset.value_or(-1), group.limit);
    const auto add = [&all](std::string_view text) { all += fmt::format("{}:{}", text.size(), text); };
    for (const auto& rule : group.rules) {
      add(rule->alerting ? "alert" : "record");
      add(rule->name);
      add(rule->text);
      add(fmt::format("{} {}", rule->hold, rule->keep_firing));
      for (const auto* templates : {&rule->labels, &rule->annotations}) {
        add(std::to_string(templates->size()));
        for (const auto& one : *templates) {
          add(one.name);
          add(one.text.text());
        }
      }
    }
    return stable_hash(all);
  }

  YamlReading reading_;
  std::string file_;
  std::map<std::string, std::size_t> names_;  // of groups, and their lines
};

}  // namespace

RuleFile read_rule_file(std::string_view text, const std::string& file) {
  return Reader(text, file).read();
}

std::string print_labels_of(const Rule& rule) {
  std::string out;
  for (const auto& label : rule.labels) {
    if (!out.empty()) out += ',';
    out += label.name + "=" + label.text.text();
  }
  return out;
}

std::vector<config::Problem> find_duplicate_rules(const std::vector<RuleGroup>& groups) {
  std::map<std::pair<std::string, std::string>, std::pair<std::string, std::size_t>> seen;
  std::vector<config::Problem> out;
  for (const auto& group : groups) {
    for (const auto& rule : group.rules) {
      const auto [first, is_new] = seen.try_emplace(std::pair(rule->name, print_labels_of(*rule)),
                                                    std::pair(group.file, rule->place.line));
      if (is_new) continue;
      const auto where = first->second.first == group.file
                             ? fmt::format("line {}", first->second.second)
                             : fmt::format("{}:{}", first->second.first, first->second.second);
      out.push_back(
          {.file = group.file,
           .line = rule->place.line,
           .column = rule->place.column,
           .path = "",
           .text = fmt::format("duplicate rule {}: the one in {} has the same labels", rule->name, where)});
    }
  }
  return out;
}

}  // namespace qw::rules
