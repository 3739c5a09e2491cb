#include "daemon/completion.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/flags.hpp"

namespace qw {
namespace {

std::string join(const std::vector<std::string_view>& words, std::string_view between) {
  std::string out;
  for (const auto word : words) (out += out.empty() ? "" : between) += word;
  return out;
}

bool takes_files(const CommandHelp& command) {
  return command.argument.find("FILE") != std::string_view::npos;
}
bool is_file(const FlagHelp& flag) {
  return flag.value == "FILE";
}
bool is_folder(const FlagHelp& flag) {
  return flag.value == "DIR";
}

/// What stands after a command, besides files: the shells that there are completions for.
std::string_view words_of(const CommandHelp& command) {
  return command.argument == " SHELL" ? "bash zsh fish" : "";
}

std::vector<FlagHelp> flags_of(std::string_view command) {
  auto flags = flag_helps();
  std::erase_if(flags, [command](const FlagHelp& flag) {
    return std::ranges::find(flag.of, command) == flag.of.end();
  });
  return flags;
}

std::vector<std::string_view> command_words() {
  std::vector<std::string_view> words;
  for (const auto& command : command_helps()) words.push_back(command.word);
  return words;
}

/// What bash completes a value of this flag with; empty: nothing.
std::string bash_values(const FlagHelp& flag) {
  if (is_file(flag)) return "-f";
  if (is_folder(flag)) return "-d";
  return flag.choices.empty() ? "" : fmt::format("-W '{}'", join(flag.choices, " "));
}

// Bash cuts words at '=', so that a flag, '=' and the value are three of them.
constexpr std::string_view kBashHead =
    R"(# Completion of quorumwatch in bash, printed by `quorumwatch completion bash`.
_quorumwatch() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command= flag=
  [ "$COMP_CWORD" -lt 2 ] || command=${COMP_WORDS[1]}
  if [ "$word" = = ]; then
    flag=$before word=
  elif [ "$before" = = ]; then
    flag=${COMP_WORDS[COMP_CWORD - 2]}
  elif [[ $before == --* ]]; then
    flag=$before
  fi
)";

std::string bash() {
  std::string out(kBashHead);
  out += "  case $flag in\n";
  for (const auto& flag : flag_helps()) {
    const auto values = bash_values(flag);
    const auto files = is_file(flag) || is_folder(flag) ? "compopt -o filenames; " : "";
    const auto complete = values.empty()
                              ? "COMPREPLY=()"
                              : fmt::format("mapfile -t COMPREPLY < <(compgen {} -- \"$word\")", values);
    out += fmt::format("    --{}) {}{}; return ;;\n", flag.name, files, complete);
  }
  out += "  esac\n  case $command in\n";
  for (const auto& command : command_helps()) {
    std::string flags;
    for (const auto& flag : flags_of(command.word))
      flags += fmt::format("{}--{}=", flags.empty() ? "" : " ", flag.name);
    std::string plain;
    if (takes_files(command))
      plain = "compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$word\")";
    if (const auto words = words_of(command); !words.empty())
      plain = fmt::format("mapfile -t COMPREPLY < <(compgen -W '{}' -- \"$word\")", words);
    if (flags.empty() && plain.empty()) continue;
    if (!plain.empty())
      out += fmt::format("    {}) [[ $word == -* ]] || {{ {}; return; }} ;;&\n", command.word, plain);
    out +=
        fmt::format("    {}) compopt -o nospace; mapfile -t COMPREPLY < <(compgen -W '{}' -- \"$word\") ;;\n",
                    command.word, flags);
  }
  out += fmt::format("    '') mapfile -t COMPREPLY < <(compgen -W '{} --help --version' -- \"$word\") ;;\n",
                     join(command_words(), " "));
  return out += "  esac\n}\ncomplete -F _quorumwatch quorumwatch\n";
}

/// In single quotes, where zsh gives a meaning to brackets and colons.
std::string zsh_doc(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\'')
      out += "'\\''";
    else if (c == '[' || c == ']' || c == ':' || c == '\\')
      (out += '\\') += c;
    else
      out += c;
  }
  return out;
}

std::string zsh_values(const FlagHelp& flag) {
  if (is_file(flag)) return "_files";
  if (is_folder(flag)) return "_files -/";
  return flag.choices.empty() ? " " : fmt::format("({})", join(flag.choices, " "));
}

std::string zsh() {
  std::string out =
      "#compdef quorumwatch\n# Completion of quorumwatch in zsh, printed by `quorumwatch completion zsh`.\n"
      "_quorumwatch() {\n  local -a commands\n  commands=(\n";
  for (const auto& command : command_helps())
    out += fmt::format("    '{}:{}'\n", command.word, zsh_doc(command.doc));
  out +=
      "  )\n  if (( CURRENT == 2 )); then\n    _describe command commands\n    return\n  fi\n"
      "  local command=$words[2]\n  shift words\n  (( CURRENT-- ))\n  case $command in\n";
  for (const auto& command : command_helps()) {
    out += fmt::format("    {}) _arguments", command.word);
    for (const auto& flag : flags_of(command.word)) {
      out += fmt::format(" \\\n      '{}--{}=[{}]:{}:{}'", flag.repeatable ? "*" : "", flag.name,
                         zsh_doc(flag.doc), zsh_doc(flag.value), zsh_values(flag));
    }
    if (takes_files(command)) out += " \\\n      '*:file:_files'";
    if (const auto words = words_of(command); !words.empty())
      out += fmt::format(" \\\n      '1:shell:({})'", words);
    out += " ;;\n";
  }
  // The file is either sourced, or loaded as the function itself.
  return out +=
         "  esac\n}\nif [ \"$funcstack[1]\" = _quorumwatch ]; then _quorumwatch \"$@\"; else compdef "
         "_quorumwatch quorumwatch; fi\n";
}

std::string fish_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out += "'";
}

std::string fish() {
  std::string out =
      "# Completion of quorumwatch in fish, printed by `quorumwatch completion fish`.\ncomplete -c "
      "quorumwatch -f\n";
  for (const auto& command : command_helps()) {
    out += fmt::format("complete -c quorumwatch -n __fish_use_subcommand -a {} -d {}\n", command.word,
                       fish_quoted(command.doc));
    const auto within = fish_quoted(fmt::format("__fish_seen_subcommand_from {}", command.word));
    if (takes_files(command)) out += fmt::format("complete -c quorumwatch -n {} -F\n", within);
    if (const auto words = words_of(command); !words.empty())
      out += fmt::format("complete -c quorumwatch -n {} -a '{}'\n", within, words);
  }
  for (const auto& flag : flag_helps()) {
    const auto values = is_file(flag)          ? std::string("-r -F")
                        : is_folder(flag)      ? std::string("-x -a '(__fish_complete_directories)'")
                        : flag.choices.empty() ? std::string("-x")
                                               : fmt::format("-x -a '{}'", join(flag.choices, " "));
    out += fmt::format("complete -c quorumwatch -n {} -l {} {} -d {}\n",
                       fish_quoted("__fish_seen_subcommand_from " + join(flag.of, " ")), flag.name, values,
                       fish_quoted(flag.doc));
  }
  return out +=
         "complete -c quorumwatch -n __fish_use_subcommand -l help -d 'print a summary'\n"
         "complete -c quorumwatch -n __fish_use_subcommand -l version -d 'print the version'\n";
}

}  // namespace

std::string print_completion(std::string_view shell) {
  if (shell == "bash") return bash();
  if (shell == "zsh") return zsh();
  return shell == "fish" ? fish() : "";
}

}  // namespace qw
