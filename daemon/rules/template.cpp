#include "daemon/rules/template.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "daemon/rules/go_format.hpp"
#include "daemon/rules/template_functions.hpp"
#include "daemon/rules/template_parser.hpp"
#include "daemon/rules/template_tree.hpp"

namespace qw::rules {
namespace {

using Kind = TemplateOperand::Kind;

/// Prometheus puts this before each text, and Go's messages count it.
constexpr std::string_view kPreamble =
    "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := "
    ".Value}}";
constexpr std::size_t kMaxOutput = 1U << 20U;
/// Evaluated commands; nested ranges over query results could go on for ever.
constexpr std::size_t kMaxSteps = 200'000;

struct Failure {
  std::string message;
};

/// `break` and `continue` on their way to their range.
enum class Jump : std::uint8_t { none, break_, continue_ };

class Expansion {
 public:
  Expansion(const TemplateTree& tree, const std::shared_ptr<const TemplateData>& data,
            const TemplateContext& context)
      : tree_(tree), data_(data), context_(context), name_(fmt::format("__alert_{}", context.alert)) {}

  std::string run() {
    static const auto kNone = std::make_shared<const Labels>();
    variables_ = {{"$", data_},
                  {"$labels", std::shared_ptr<const Labels>(data_, &data_->labels)},
                  {"$externalLabels", data_->external_labels ? data_->external_labels : kNone},
                  {"$externalURL", data_->external_url},
                  {"$value", data_->value}};
    walk(tree_.root, TemplateValue(data_));
    return std::move(out_);
  }

 private:
  struct Variable {
    std::string name;
    TemplateValue value;
  };

  [[noreturn]] void refuse(std::size_t begin, std::size_t position, std::size_t end,
                           std::string_view message) const {
    const auto before = std::string_view(tree_.text).substr(0, position);
    const auto line = 1 + std::ranges::count(before, '\n');
    const auto start = before.rfind('\n');
    const auto column = start == std::string_view::npos ? position + kPreamble.size() : position - start - 1;
    const auto quoted = std::string_view(tree_.text).substr(begin, end - begin);
    throw Failure{
        fmt::format("error executing template {0}: template: {0}:{1}:{2}: executing \"{0}\" at <{3}>: {4}",
                    name_, line, column, quoted, message)};
  }
  [[noreturn]] void refuse(const TemplateOperand& at, std::string_view message) const {
    refuse(at.begin, at.position, at.end, message);
  }
  [[noreturn]] void refuse(const TemplateCommand& at, std::string_view message) const {
    refuse(at.begin, at.begin, at.end, message);
  }

  void write(std::string_view text) {
    if (out_.size() + text.size() > kMaxOutput) {
      throw Failure{fmt::format("error executing template {}: the text is larger than {} MiB", name_,
                                kMaxOutput >> 20U)};
    }
    out_ += text;
  }
  void count_step() {
    if (++steps_ > kMaxSteps) {
      throw Failure{fmt::format("error executing template {}: more than {} steps", name_, kMaxSteps)};
    }
  }

  Jump walk(const TemplateNodes& nodes, const TemplateValue& dot) {
    for (const auto& node : nodes) {
      const auto jump = walk(node, dot);
      if (jump != Jump::none) return jump;
    }
    return Jump::none;
  }

  Jump walk(const TemplateNode& node, const TemplateValue& dot) {
    count_step();
    switch (node.kind) {
      case TemplateNode::Kind::text:
        write(node.text);
        return Jump::none;
      case TemplateNode::Kind::action: {
        const auto value = evaluate(*node.pipeline, dot);
        if (node.pipeline->variables.empty()) write(value.is_nil() ? "<no value>" : go_print(value));
        return Jump::none;
      }
      case TemplateNode::Kind::if_:
      case TemplateNode::Kind::with:
        return choose(node, dot);
      case TemplateNode::Kind::range:
        return range(node, dot);
      case TemplateNode::Kind::call:
        call(node, dot);
        return Jump::none;
      case TemplateNode::Kind::break_:
        return Jump::break_;
      case TemplateNode::Kind::continue_:
        return Jump::continue_;
    }
    return Jump::none;
  }

  Jump choose(const TemplateNode& node, const TemplateValue& dot) {
    const auto known = variables_.size();
    const auto value = evaluate(*node.pipeline, dot);
    const bool with = node.kind == TemplateNode::Kind::with;
    const auto jump = is_true(value) ? walk(node.body, with ? value : dot) : walk(node.otherwise, dot);
    variables_.resize(known);
    return jump;
  }

  Jump range(const TemplateNode& node, const TemplateValue& dot) {
    const auto known = variables_.size();
    const auto& names = node.pipeline->variables;
    const auto value = evaluate(*node.pipeline, dot, true);
    bool any = false, stopped = false;
    const auto one = [&](const TemplateValue& key, const TemplateValue& element) {
      any = true;
      const auto mark = variables_.size();
      if (names.size() == 1) set(node.pipeline->assigns, names[0], element);
      if (names.size() == 2) {
        set(node.pipeline->assigns, names[0], key);
        set(node.pipeline->assigns, names[1], element);
      }
      stopped = walk(node.body, element) == Jump::break_;
      variables_.resize(mark);
      return !stopped;
    };
    each(node, value, one);
    variables_.resize(known);
    if (any) return Jump::none;
    return walk(node.otherwise, dot);
  }

  template <class One>
  void each(const TemplateNode& node, const TemplateValue& value, const One& one) {
    if (const auto* samples = value.as<std::shared_ptr<const QuerySamples>>()) {
      std::int64_t i = 0;
      for (const auto& sample : **samples) {
        if (!one(TemplateValue(i++), TemplateValue(sample))) return;
      }
    } else if (const auto* labels = value.as<std::shared_ptr<const Labels>>()) {
      for (const auto& [name, of] : **labels) {
        if (!one(TemplateValue(name), TemplateValue(of))) return;
      }
    } else if (const auto* arguments = value.as<std::shared_ptr<const TemplateArguments>>()) {
      for (const auto& [name, of] : **arguments) {
        if (!one(TemplateValue(name), of)) return;
      }
    } else if (const auto* count = value.as<std::int64_t>()) {
      for (std::int64_t i = 0; i < *count; ++i) {
        count_step();
        if (!one(TemplateValue(i), TemplateValue(i))) return;
      }
    } else if (!value.is_nil()) {
      refuse(node.pipeline->begin, node.pipeline->begin, node.pipeline->end,
             fmt::format("range can't iterate over {}", go_print(value)));
    }
  }

  void call(const TemplateNode& node, const TemplateValue& dot) {
    const auto found = tree_.defined.find(node.text);
    if (found == tree_.defined.end()) {
      refuse(node.begin, node.begin, node.end, fmt::format("template \"{}\" not defined", node.text));
    }
    const auto argument = node.pipeline ? evaluate(*node.pipeline, dot) : TemplateValue();
    if (++depth_ > kMaxTemplateDepth) {
      refuse(node.begin, node.begin, node.end,
             fmt::format("exceeded maximum template depth ({})", kMaxTemplateDepth));
    }
    const auto outer = std::exchange(variables_, {{"$", argument}});
    walk(found->second, argument);
    variables_ = outer;
    --depth_;
  }

  void set(bool assigns, const std::string& name, TemplateValue value) {
    if (assigns) {
      for (auto at = variables_.rbegin(); at != variables_.rend(); ++at) {
        if (at->name != name) continue;
        at->value = std::move(value);
        return;
      }
    }
    variables_.push_back({name, std::move(value)});
  }

  /// In a range the variables are set for each element.
  TemplateValue evaluate(const TemplatePipeline& pipe, const TemplateValue& dot, bool in_range = false) {
    TemplateValue value;
    bool first = true;
    for (const auto& command : pipe.commands) {
      value = evaluate(command, dot, first ? nullptr : &value);
      first = false;
    }
    if (in_range) return value;
    for (const auto& name : pipe.variables) set(pipe.assigns, name, value);
    return value;
  }

  TemplateValue evaluate(const TemplateCommand& command, const TemplateValue& dot,
                         const TemplateValue* last) {
    count_step();
    const auto& first = command.operands.front();
    if (first.kind == Kind::function && first.fields.empty()) return call(command, dot, last);
    const bool arguments = command.operands.size() > 1 || last;
    const bool named = first.kind == Kind::field || (!first.fields.empty() && first.kind == Kind::variable);
    if (arguments && (named || (first.kind == Kind::pipeline && !first.fields.empty()))) {
      refuse(first, fmt::format("{} is not a method but has arguments", first.fields.back()));
    }
    if (arguments) {
      refuse(first, fmt::format("can't give argument to non-function {}",
                                std::string_view(tree_.text).substr(first.begin, first.end - first.begin)));
    }
    if (first.kind == Kind::nil) refuse(first, "nil is not a command");
    return evaluate(first, dot);
  }

  TemplateValue evaluate(const TemplateOperand& operand, const TemplateValue& dot) {
    TemplateValue value;
    switch (operand.kind) {
      case Kind::dot:
      case Kind::field:
        value = dot;
        break;
      case Kind::nil:
        break;
      case Kind::constant:
        return operand.constant;
      case Kind::variable:
        value = find(operand);
        break;
      case Kind::function: {
        TemplateCommand bare;
        bare.begin = operand.begin;
        bare.end = operand.end;
        value = call_function(bare, operand.name, {});
        break;
      }
      case Kind::pipeline:
        value = evaluate(*operand.pipeline, dot);
        break;
    }
    for (const auto& field : operand.fields) value = field_of(operand, value, field);
    return value;
  }

  const TemplateValue& find(const TemplateOperand& operand) const {
    for (auto at = variables_.rbegin(); at != variables_.rend(); ++at) {
      if (at->name == operand.name) return at->value;
    }
    refuse(operand, fmt::format("undefined variable: {}", operand.name));
  }

  TemplateValue field_of(const TemplateOperand& operand, const TemplateValue& of,
                         const std::string& field) const {
    if (const auto* labels = of.as<std::shared_ptr<const Labels>>())
      return std::string((*labels)->get(field));
    if (const auto* arguments = of.as<std::shared_ptr<const TemplateArguments>>()) {
      const auto found = (*arguments)->find(field);
      return found == (*arguments)->end() ? TemplateValue() : found->second;
    }
    if (const auto* sample = of.as<QuerySamplePtr>()) {
      if (field == "Labels") return std::shared_ptr<const Labels>(*sample, &(*sample)->labels);
      if (field == "Value") return (*sample)->value;
    }
    if (const auto* data = of.as<std::shared_ptr<const TemplateData>>()) {
      if (field == "Labels") return std::shared_ptr<const Labels>(*data, &(*data)->labels);
      if (field == "Value") return (*data)->value;
      if (field == "ExternalURL") return (*data)->external_url;
      if (field == "ExternalLabels") {
        return (*data)->external_labels ? (*data)->external_labels : std::make_shared<const Labels>();
      }
    }
    if (of.is_nil()) return {};
    refuse(operand, fmt::format("can't evaluate field {} in type {}", field, type_name(of)));
  }

  TemplateValue call(const TemplateCommand& command, const TemplateValue& dot, const TemplateValue* last) {
    const auto& name = command.operands.front().name;
    if (name == "and" || name == "or") return decide(command, dot, last, name == "or");
    std::vector<TemplateValue> arguments;
    for (std::size_t i = 1; i < command.operands.size(); ++i) {
      arguments.push_back(evaluate(command.operands[i], dot));
    }
    if (last) arguments.push_back(*last);
    return call_function(command, name, arguments);
  }

  /// The first argument that settles it; the others are not evaluated.
  TemplateValue decide(const TemplateCommand& command, const TemplateValue& dot, const TemplateValue* last,
                       bool wanted) {
    TemplateValue value;
    if (command.operands.size() + (last ? 1 : 0) < 2) {
      refuse(command,
             fmt::format("wrong number of args for {}: want at least 1 got 0", wanted ? "or" : "and"));
    }
    for (std::size_t i = 1; i < command.operands.size(); ++i) {
      value = evaluate(command.operands[i], dot);
      if (is_true(value) == wanted) return value;
    }
    return last ? *last : value;
  }

  TemplateValue call_function(const TemplateCommand& command, const std::string& name,
                              std::span<const TemplateValue> arguments) {
    const TemplateCall how{.context = context_,
                           .external_url = data_->external_url,
                           .expand_defined = [this](const std::string& defined, const TemplateValue& data) {
                             return expand_defined(defined, data);
                           }};
    auto value = call_template_function(name, arguments, how);
    if (value) return std::move(*value);
    refuse(command, value.error().whole ? value.error().message
                                        : fmt::format("error calling {}: {}", name, value.error().message));
  }

  std::expected<std::string, std::string> expand_defined(const std::string& name, const TemplateValue& data) {
    const auto found = tree_.defined.find(name);
    if (found == tree_.defined.end()) {
      return std::unexpected(fmt::format("template \"{}\" not defined", name));
    }
    if (++depth_ > kMaxTemplateDepth) {
      return std::unexpected(fmt::format("exceeded maximum template depth ({})", kMaxTemplateDepth));
    }
    auto outer_text = std::exchange(out_, {});
    auto outer = std::exchange(variables_, {{"$", data}});
    walk(found->second, data);
    variables_ = std::move(outer);
    --depth_;
    return std::exchange(out_, std::move(outer_text));
  }

  const TemplateTree& tree_;
  const std::shared_ptr<const TemplateData>& data_;
  const TemplateContext& context_;
  std::string name_;
  std::vector<Variable> variables_;
  std::string out_;
  std::size_t steps_ = 0;
  int depth_ = 0;
};

/// Visits every operand of a tree.
template <class Visit>
void visit_operands(const TemplatePipeline& pipe, const Visit& visit) {
  for (const auto& command : pipe.commands) {
    for (const auto& operand : command.operands) {
      visit(operand);
      if (operand.pipeline) visit_operands(*operand.pipeline, visit);
    }
  }
}
template <class Visit>
void visit_operands(const TemplateNodes& nodes, const Visit& visit) {
  for (const auto& node : nodes) {
    if (node.pipeline) visit_operands(*node.pipeline, visit);
    visit_operands(node.body, visit);
    visit_operands(node.otherwise, visit);
  }
}

}  // namespace

std::expected<Template, TemplateError> Template::parse(std::string_view text) {
  Template out;
  out.text_ = std::string(text);
  if (!text.contains("{{")) return out;
  auto tree = parse_template(text);
  if (!tree) return std::unexpected(std::move(tree.error()));
  out.tree_ = std::make_shared<const TemplateTree>(std::move(*tree));
  return out;
}

Template Template::plain(std::string_view text) {
  Template out;
  out.text_ = std::string(text);
  return out;
}

Result<std::string> Template::expand(const std::shared_ptr<const TemplateData>& data,
                                     const TemplateContext& context) const {
  if (!tree_) return text_;
  try {
    return Expansion(*tree_, data, context).run();
  } catch (const Failure& failure) {
    return fail(ErrorKind::rejected, failure.message);
  }
}

bool Template::queries() const {
  return calls("query");
}

bool Template::calls(std::string_view function) const {
  bool found = false;
  const auto look = [&found, function](const TemplateOperand& operand) {
    found = found || (operand.kind == Kind::function && operand.name == function);
  };
  if (!tree_) return false;
  visit_operands(tree_->root, look);
  for (const auto& [name, nodes] : tree_->defined) visit_operands(nodes, look);
  return found;
}

std::vector<Template::LabelUse> Template::labels_used() const {
  std::vector<LabelUse> out;
  if (!tree_) return out;
  visit_operands(tree_->root, [&out](const TemplateOperand& operand) {
    const auto& fields = operand.fields;
    if (operand.kind == Kind::variable && operand.name == "$labels" && fields.size() == 1) {
      out.push_back({fields[0], operand.position});
    }
    if (operand.kind == Kind::field && fields.size() == 2 && fields[0] == "Labels") {
      out.push_back({fields[1], operand.position});
    }
  });
  return out;
}

}  // namespace qw::rules
