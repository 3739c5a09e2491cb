#include "daemon/flags.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include "daemon/base/duration.hpp"
#include "daemon/base/text.hpp"

namespace qw {
namespace {

constexpr std::uint16_t kDefaultPort = 10979;
constexpr std::array<std::string_view, 3> kShells{"bash", "zsh", "fish"};

struct CommandWord {
  std::string_view word;
  Command command;
  std::string_view argument;  ///< of the command line, for the help
  std::string_view doc;
};

constexpr std::array<CommandWord, 13> kCommands{{
    {"run", Command::run, "", "watch the targets of the configuration until told to stop"},
    {"check", Command::check, " [FILE]", "read the configuration and say everything that is wrong with it"},
    {"once", Command::once, " [TARGET]",
     "measure each target once: who leads, who is behind, who did not answer"},
    {"check-rules", Command::check_rules, " FILE...",
     "say what is wrong with rule files, and what in them can never do what it says"},
    {"test-rules", Command::test_rules, " FILE...", "run rule tests as promtool does"},
    {"explain", Command::explain, " ALERT",
     "why an alert of the running daemon fires or not, and since when"},
    {"report", Command::report, " [TARGET]",
     "what was wrong and what changed, as Markdown, from the journal of the daemon"},
    {"discover", Command::discover, "",
     "print a configuration of what runs on this host; reads files only, connects to nothing"},
    {"metrics", Command::metrics, "", "print the metric reference as Markdown"},
    {"probes", Command::probes, "", "print what each kind of target measures, asks and cannot see"},
    {"reference", Command::reference, "", "print the configuration reference as Markdown"},
    {"man", Command::manual, "", "print the manual page"},
    {"completion", Command::completion, " SHELL",
     "print what completes commands and flags in bash, zsh or fish"},
}};

using Setter = Result<void> (*)(Flags&, const std::string&);

struct Flag {
  std::string_view name;
  std::string_view value;  ///< for the help
  std::string_view doc;
  bool repeatable;
  Setter set;
  std::vector<Command> of;
  std::vector<std::string_view> choices = {};  ///< all values there are
};

Result<void> bad(std::string message) {
  return fail(ErrorKind::config, std::move(message));
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> known,
                         std::string_view prefix = "") {
  const auto near = nearest(word, known);
  return near ? fmt::format("; did you mean '{}{}'?", prefix, *near) : "";
}

Result<void> set_level(Flags& flags, const std::string& value) {
  if (value == "debug")
    flags.log.level = log::Level::debug;
  else if (value == "info")
    flags.log.level = log::Level::info;
  else if (value == "warn" || value == "warning")
    flags.log.level = log::Level::warning;
  else if (value == "error")
    flags.log.level = log::Level::error;
  else
    return bad(fmt::format("expected debug, info, warn or error, got '{}'", value));
  return {};
}

Result<void> set_format(Flags& flags, const std::string& value) {
  if (value != "logfmt" && value != "json")
    return bad(fmt::format("expected logfmt or json, got '{}'", value));
  flags.log.format = value == "json" ? log::Format::json : log::Format::logfmt;
  return {};
}

Result<void> set_output(Flags& flags, const std::string& value) {
  if (value != "text" && value != "json") return bad(fmt::format("expected text or json, got '{}'", value));
  flags.json = value == "json";
  return {};
}

/// ":10979" means every address, as elsewhere in the Prometheus family. Port 0, which only a server can have,
/// takes a free one.
Result<void> add_listen(Flags& flags, const std::string& value) {
  constexpr std::string_view kAnyPort = ":0";
  auto text = value.starts_with(':') ? "[::]" + value : value;
  const bool any_port = text.ends_with(kAnyPort) && !text.ends_with("::0");
  if (any_port) text.resize(text.size() - kAnyPort.size());
  auto address = net::HostPort::parse(text, kDefaultPort);
  if (!address) return std::unexpected(address.error());
  if (any_port) address->port = 0;
  flags.listen.push_back(std::move(*address));
  return {};
}

Result<void> set_config(Flags& flags, const std::string& value) {
  flags.config_file = value;
  return {};
}
Result<void> set_storage(Flags& flags, const std::string& value) {
  flags.storage_path = value;
  return {};
}
Result<void> set_lint(Flags& flags, const std::string& value) {
  if (value != "warn" && value != "fatal") return bad(fmt::format("expected warn or fatal, got '{}'", value));
  flags.lint_fatal = value == "fatal";
  return {};
}
Result<void> set_promql_version(Flags& flags, const std::string& value) {
  if (value != "2" && value != "3") return bad(fmt::format("expected 2 or 3, got '{}'", value));
  flags.promql_version = value;
  return {};
}
Result<void> set_web_config(Flags& flags, const std::string& value) {
  flags.web_config_file = value;
  return {};
}

Result<void> set_root(Flags& flags, const std::string& value) {
  if (!value.starts_with('/')) return bad(fmt::format("expected an absolute path, got '{}'", value));
  flags.root = value;
  return {};
}

Result<void> set_since(Flags& flags, const std::string& value) {
  const auto read = parse_duration(value);
  if (!read) return std::unexpected(read.error());
  if (*read <= Nanoseconds(0)) return bad("must be longer than nothing");
  flags.since = *read;
  return {};
}

const std::vector<Flag>& all_flags() {
  static const std::vector<Flag> kFlags{
      {"config.file",
       "FILE",
       "the configuration (config/REFERENCE.md); without it the daemon watches its own host",
       false,
       set_config,
       {Command::run, Command::check, Command::once}},
      {"web.listen-address",
       "ADDR:PORT",
       "where to serve; may be repeated (127.0.0.1:10979)",
       true,
       add_listen,
       {Command::run, Command::explain}},
      {"storage.path",
       "DIR",
       "where the state of alerts and the journal are kept ($STATE_DIRECTORY)",
       false,
       set_storage,
       {Command::run, Command::report}},
      {"since", "DURATION", "how far back the report goes (1h)", false, set_since, {Command::report}},
      {"root",
       "DIR",
       "where the files of the host are that is looked at, its /proc among them (/)",
       false,
       set_root,
       {Command::discover}},
      {"lint",
       "MODE",
       "warn or fatal: whether warnings are an error, exit code 3 (warn)",
       false,
       set_lint,
       {Command::check_rules},
       {"warn", "fatal"}},
      {"promql.version",
       "N",
       "2 or 3: whose ranges rule tests are held to (3, and where that fails 2)",
       false,
       set_promql_version,
       {Command::test_rules},
       {"2", "3"}},
      {"web.config.file",
       "FILE",
       "TLS and passwords of the server, as exporter-toolkit defines them",
       false,
       set_web_config,
       {Command::run, Command::check}},
      {"log.level",
       "LEVEL",
       "debug, info, warn or error (info)",
       false,
       set_level,
       {Command::run},
       {"debug", "info", "warn", "error"}},
      {"log.format",
       "FORMAT",
       "logfmt or json (logfmt)",
       false,
       set_format,
       {Command::run},
       {"logfmt", "json"}},
      {"output", "FORMAT", "text or json (text)", false, set_output, {Command::once}, {"text", "json"}},
  };
  return kFlags;
}

bool belongs(const Flag& flag, Command command) {
  return std::ranges::find(flag.of, command) != flag.of.end();
}

/// Reads the words one after the other.
class Parser {
 public:
  explicit Parser(std::span<const std::string_view> args) : args_(args) {}

  Result<Flags> parse() {
    while (at_ < args_.size()) {
      const auto word = args_[at_++];
      auto read = word.starts_with("-") && word.size() > 1 ? flag(word) : plain(word);
      if (!read) return std::unexpected(read.error());
      if (done_) return flags_;
    }
    return finish();
  }

 private:
  Result<void> flag(std::string_view word) {
    if (word == "--version" || word == "--help" || word == "-h") {
      flags_.command = word == "--version" ? Command::version : Command::help;
      done_ = true;
      return {};
    }
    const auto equals = word.find('=');
    const auto spelled = word.substr(0, equals);
    const auto* known = find(spelled);
    if (!known) {
      std::vector<std::string_view> names{"version", "help"};
      for (const auto& one : all_flags()) names.push_back(one.name);
      const auto name = spelled.substr(spelled.find_first_not_of('-') == std::string_view::npos
                                           ? spelled.size()
                                           : spelled.find_first_not_of('-'));
      return bad(fmt::format("unknown flag '{}'{}", spelled, did_you_mean(name, names, "--")));
    }
    if (!given_.insert(known->name).second && !known->repeatable)
      return bad(fmt::format("--{} is given twice", known->name));
    std::string value;
    if (equals != std::string_view::npos) {
      value = word.substr(equals + 1);
    } else if (at_ < args_.size()) {
      value = args_[at_++];
    } else {
      return bad(fmt::format("--{} needs a value", known->name));
    }
    if (value.empty()) return bad(fmt::format("--{} needs a value", known->name));
    auto set = known->set(flags_, value);
    if (!set) return std::unexpected(set.error().within(fmt::format("--{}", known->name)));
    return {};
  }

  Result<void> plain(std::string_view word) {
    if (!command_) {
      for (const auto& known : kCommands) {
        if (known.word == word) {
          command_ = known.command;
          return {};
        }
      }
      if (word == "help" || word == "version") return flag("--" + std::string(word));
      std::vector<std::string_view> words;
      for (const auto& known : kCommands) words.push_back(known.word);
      return bad(fmt::format("unknown command '{}'{}", word, did_you_mean(word, words)));
    }
    if (*command_ == Command::check_rules || *command_ == Command::test_rules) {
      flags_.files.emplace_back(word);
      return {};
    }
    const bool names_one = *command_ == Command::once || *command_ == Command::explain ||
                           *command_ == Command::report || *command_ == Command::completion;
    auto* into = *command_ == Command::check ? &flags_.config_file : names_one ? &flags_.target : nullptr;
    if (!into || argument_given_) return bad(fmt::format("unexpected argument '{}'", word));
    if (*command_ == Command::check && !given_.insert("config.file").second)
      return bad("the configuration file is given twice");
    argument_given_ = true;
    *into = word;
    return {};
  }

  Result<Flags> finish() {
    if (!command_) return fail(ErrorKind::config, "no command is given; see quorumwatch --help");
    flags_.command = *command_;
    const bool needs_files = *command_ == Command::check_rules || *command_ == Command::test_rules;
    if (needs_files && flags_.files.empty())
      return fail(ErrorKind::config, fmt::format("{} needs a file", word_of(*command_)));
    if (*command_ == Command::explain && flags_.target.empty())
      return fail(ErrorKind::config, "explain needs the name of an alert");
    if (*command_ == Command::completion && std::ranges::find(kShells, flags_.target) == kShells.end())
      return fail(ErrorKind::config, "completion needs a shell: bash, zsh or fish");
    for (const auto name : given_) {
      const auto* known = find("--" + std::string(name));
      if (!belongs(*known, *command_)) {
        return fail(ErrorKind::config, fmt::format("--{} has no meaning for '{}'", name, word_of(*command_)));
      }
    }
    if (flags_.listen.empty()) flags_.listen.push_back({.host = "127.0.0.1", .port = kDefaultPort});
    return flags_;
  }

  static const Flag* find(std::string_view spelled) {
    for (const auto& known : all_flags()) {
      if (spelled.starts_with("--") && spelled.substr(2) == known.name) return &known;
    }
    return nullptr;
  }
  static std::string_view word_of(Command command) {
    for (const auto& known : kCommands) {
      if (known.command == command) return known.word;
    }
    return "";
  }

  std::span<const std::string_view> args_;
  std::size_t at_ = 0;
  Flags flags_;
  std::optional<Command> command_;
  std::set<std::string_view> given_;
  bool argument_given_ = false;
  bool done_ = false;
};

}  // namespace

Result<Flags> parse_flags(std::span<const std::string_view> args) {
  return Parser(args).parse();
}

std::vector<CommandHelp> command_helps() {
  std::vector<CommandHelp> out;
  for (const auto& known : kCommands) out.push_back({known.word, known.argument, known.doc});
  return out;
}

std::vector<FlagHelp> flag_helps() {
  std::vector<FlagHelp> out;
  for (const auto& flag : all_flags()) {
    FlagHelp help{.name = flag.name,
                  .value = flag.value,
                  .doc = flag.doc,
                  .repeatable = flag.repeatable,
                  .of = {},
                  .choices = flag.choices};
    for (const auto& known : kCommands) {
      if (belongs(flag, known.command)) help.of.push_back(known.word);
    }
    out.push_back(std::move(help));
  }
  return out;
}

std::string help_text() {
  std::string out =
      "quorumwatch watches leader elections, split brain, replication lag and clocks of quorum systems.\n\n"
      "usage: quorumwatch COMMAND [FLAGS]\n\ncommands:\n";
  for (const auto& known : kCommands) {
    out += fmt::format("  {:<18} {}\n", std::string(known.word) + std::string(known.argument), known.doc);
  }
  out += "\nflags (--flag=VALUE or --flag VALUE):\n";
  for (const auto& known : all_flags()) {
    out += fmt::format("  {:<34} {}\n", fmt::format("--{}={}", known.name, known.value), known.doc);
  }
  out += fmt::format("  {:<34} {}\n  {:<34} {}\n", "--version", "print the version", "--help",
                     "print this text");
  out +=
      "\nexit codes: 0 good, 1 a bug or a lost resource (once: a target that could not be asked), 2 bad "
      "usage or configuration\n";
  return out;
}

}  // namespace qw
