#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "daemon/rules/template_value.hpp"

/// The syntax tree of a template. Positions are bytes in its text.
namespace qw::rules {

struct TemplatePipeline;
using TemplatePipelinePtr = std::unique_ptr<TemplatePipeline>;
struct TemplateNode;
using TemplateNodes = std::vector<TemplateNode>;

/// What stands for a value: a constant, `.a.b`, `$x.a`, a function's name, `(...)`, `(...).a`.
struct TemplateOperand {
  enum class Kind : std::uint8_t { dot, nil, constant, field, variable, function, pipeline } kind = Kind::dot;
  std::size_t position = 0;
  std::size_t begin = 0, end = 0;  ///< what is quoted in messages
  TemplateValue constant;
  std::string name;                 ///< of a function or of a variable, "$x"
  TemplatePipelinePtr pipeline;     ///< in parentheses
  std::vector<std::string> fields;  ///< what is asked of it: `.a.b`
};

struct TemplateCommand {
  std::size_t begin = 0, end = 0;
  std::vector<TemplateOperand> operands;
};

struct TemplatePipeline {
  std::size_t begin = 0, end = 0;
  std::vector<std::string> variables;  ///< "$x" that it sets
  bool assigns = false;                ///< `=` rather than `:=`
  std::vector<TemplateCommand> commands;
};

struct TemplateNode {
  enum class Kind : std::uint8_t {
    text,
    action,
    if_,
    range,
    with,
    call,
    break_,
    continue_
  } kind = Kind::text;
  std::size_t begin = 0, end = 0;
  std::string text;              ///< or the name of the called template
  TemplatePipelinePtr pipeline;  ///< null in `{{template "x"}}`
  TemplateNodes body;
  TemplateNodes otherwise;
};

struct TemplateTree {
  std::string text;
  TemplateNodes root;
  std::map<std::string, TemplateNodes> defined;  ///< by name
};

}  // namespace qw::rules
