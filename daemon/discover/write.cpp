#include "daemon/discover/write.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "daemon/base/text.hpp"

namespace qw::discover {
namespace {

constexpr std::size_t kWidth = 118;
constexpr std::size_t kMaxNote = 1000;
constexpr std::size_t kMaxNotes = 100;
constexpr std::size_t kMaxUnknown = 60;

constexpr std::string_view kHead =
    R"(# Printed by `quorumwatch discover`, from /proc and the configuration files of what runs here. Nothing was connected to,
# no name was resolved and nothing was changed; so whether each of these answers is not known yet:
#
#   quorumwatch check quorumwatch.yml                        says what is wrong with this file
#   quorumwatch once --config.file=quorumwatch.yml           asks every target once
#
# Look at each target before you use it. Lines that are commented out need something from you. Secrets are never here.

)";

constexpr std::string_view kNodes = R"(
  # Other nodes: round trip, loss each way and clock offset. Which they are is not known here. The same list on every node.
  # - system: nodes
  #   name: mesh
  #   members: [{}, NODE-2, NODE-3]
  #   # stamp needs a reflector on each node, see `reflector` in `quorumwatch reference`.
  #   methods: [stamp, icmp]
)";

/// A comment, broken where it gets long.
void add_comment(std::string_view indent, std::string_view note, std::string& to) {
  const auto text = sanitize(note, kMaxNote);
  std::string_view rest = text;
  while (!rest.empty()) {
    auto width = kWidth - indent.size() - 2;
    if (rest.size() > width) {
      const auto blank = rest.rfind(' ', width);
      // A word that is longer than the line stays whole, and with it every character.
      width = blank == std::string_view::npos || blank == 0 ? std::min(rest.find(' '), rest.size()) : blank;
    } else {
      width = rest.size();
    }
    to += fmt::format("{}# {}\n", indent, rest.substr(0, width));
    rest = trim(rest.substr(width));
  }
}

/// As it is where YAML takes it for a text, else in quotes.
std::string scalar(std::string_view text) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/-:@";
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '/'; };
  const bool starts_well =
      !text.empty() && (is_letter(text.front()) || (text.front() >= '0' && text.front() <= '9'));
  const bool plain = text.find_first_not_of(kPlain) == std::string_view::npos && text.back() != ':';
  // 12 and 1.5 would be numbers, 1:30 is one in old YAML.
  const bool number = text.find_first_not_of("0123456789.:-_") == std::string_view::npos &&
                      std::ranges::count(text, '.') != 3;
  const bool word = text == "true" || text == "false" || text == "yes" || text == "no" || text == "on" ||
                    text == "off" || text == "null" || text == "y" || text == "n";
  if (starts_well && plain && !number && !word) return std::string(text);
  std::string out = "\"";
  for (const char c : sanitize(text, 4096)) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

/// 1 to 128 of the characters that a target's name may have.
std::string safe_name(std::string_view text, std::string_view otherwise) {
  constexpr std::string_view kKnown = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:-";
  std::string out;
  for (const char c : text.substr(0, 100)) out += kKnown.contains(c) ? c : '-';
  return out.find_first_not_of("-") == std::string::npos ? std::string(otherwise) : out;
}

std::string mapping_of(const Entry& entry) {
  std::string out;
  for (const auto& [key, value] : entry.mapping) {
    out += fmt::format("{}{}: {}", out.empty() ? "" : ", ", key, scalar(value));
  }
  return "{" + out + "}";
}

class Writer {
 public:
  std::string write(const HostView& view, std::vector<Finding> findings) {
    out_ = kHead;
    for (const auto& problem : view.problems) add_comment("", "NOT SEEN: " + problem + ".", out_);
    if (!view.problems.empty()) out_ += '\n';
    out_ += "targets:\n  # This machine: its clock, and what TCP sends again.\n";
    out_ += fmt::format("  - system: host\n    name: {}\n", scalar(safe_name(view.name, "this-host")));
    for (auto& finding : findings) add(finding);
    if (findings.empty()) out_ += "\n  # No server was found that quorumwatch knows.\n";
    add_nodes(view);
    add_unknown(view);
    return std::move(out_);
  }

 private:
  void add(Finding& finding) {
    out_ += '\n';
    for (std::size_t i = 0; i < std::min(finding.notes.size(), kMaxNotes); ++i)
      add_comment("  ", finding.notes[i], out_);
    if (finding.notes.size() > kMaxNotes)
      add_comment("  ", fmt::format("({} more remarks are left out.)", finding.notes.size() - kMaxNotes),
                  out_);
    std::string target = fmt::format("- system: {}\n  name: {}\n", finding.system, scalar(name_of(finding)));
    for (const auto& entry : finding.entries) add_entry(entry, finding.usable, target);
    // Comments in comments stay readable: the mark goes in front of every line.
    for (const auto line : split(std::string_view(target).substr(0, target.size() - 1), '\n')) {
      out_ += fmt::format("  {}{}\n", finding.usable ? "" : "# ", line);
    }
  }

  static void add_entry(const Entry& entry, bool usable, std::string& to) {
    const std::string mark = entry.is_example ? "  # " : "  ";
    for (const auto& note : entry.notes) add_comment("  ", note, to);
    if (entry.is_mapping) {
      to += fmt::format("{}{}: {}\n", mark, entry.key, mapping_of(entry));
    } else if (!entry.list.empty()) {
      to += fmt::format("{}{}:\n", mark, entry.key);
      for (const auto& item : entry.list) {
        to += fmt::format("{}  - {}{}\n", mark, scalar(item.text),
                          item.note.empty() ? "" : "  # " + sanitize(item.note, kMaxNote));
      }
    } else if (!entry.text.empty()) {
      to += fmt::format("{}{}: {}\n", mark, entry.key, scalar(entry.text));
    } else if (!usable) {
      to += fmt::format("{}{}: []\n", mark, entry.key);
    }
  }

  /// Unique among the targets of its system.
  std::string name_of(const Finding& finding) {
    const auto base = safe_name(finding.name, finding.system);
    auto name = base;
    for (int i = 2; !names_.insert(finding.system + "/" + name).second; ++i)
      name = fmt::format("{}-{}", base, i);
    return name;
  }

  void add_nodes(const HostView& view) {
    std::string own = "NODE-1";
    for (const auto& process : view.processes) {
      if (process.own_network && !process.addresses.empty()) own = scalar(process.addresses.front());
    }
    out_ += fmt::format(kNodes, own);
  }

  /// What else listens here, so that the user sees what was not understood.
  void add_unknown(const HostView& view) {
    std::set<std::string> lines;
    for (const auto& process : view.processes) {
      if (!process.own_network || is_told(process.pid)) continue;
      for (const auto& one : process.listens) {
        if (!one.udp)
          lines.insert(
              fmt::format("{} ({}, {})", print({one.address, one.port}), process.comm, describe(process)));
      }
    }
    for (const auto& one : view.ownerless) {
      if (!one.udp) lines.insert(fmt::format("{} (by whom is not known)", print({one.address, one.port})));
    }
    if (lines.empty()) return;
    out_ += "\n# Listening here too, of no kind that quorumwatch knows:\n";
    std::size_t left = kMaxUnknown;
    for (const auto& line : lines) {
      if (left-- == 0) {
        out_ += fmt::format("#   and {} more\n", lines.size() - kMaxUnknown);
        break;
      }
      out_ += fmt::format("#   {}\n", sanitize(line));
    }
  }

  /// Whether some target or remark is about this process.
  bool is_told(std::uint64_t pid) const {
    const auto text = fmt::format("pid {}", pid);
    for (auto at = out_.find(text); at != std::string::npos; at = out_.find(text, at + 1)) {
      const auto next = at + text.size();
      if (next == out_.size() || out_[next] < '0' || out_[next] > '9') return true;
    }
    return false;
  }

  std::string out_;
  std::set<std::string> names_;
};

}  // namespace

std::string write(const HostView& view, std::vector<Finding> findings) {
  return Writer().write(view, std::move(findings));
}

}  // namespace qw::discover
