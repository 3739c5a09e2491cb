#include "daemon/discover/settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "config/document.hpp"
#include "daemon/base/text.hpp"

namespace qw::discover {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (auto& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

/// Takes the first word of `line`, in quotes or not.
std::string take_word(std::string_view& line) {
  std::string out;
  char quote = '\0';
  std::size_t at = 0;
  for (; at < line.size(); ++at) {
    const char c = line[at];
    if (quote == '\0') {
      if (is_blank(c)) break;
      if (c == '"' || c == '\'')
        quote = c;
      else
        out += c;
    } else if (c == quote) {
      quote = '\0';
    } else if (c == '\\' && at + 1 < line.size()) {
      out += line[++at];
    } else {
      out += c;
    }
  }
  line.remove_prefix(at);
  return out;
}

std::vector<std::string> take_words(std::string_view line) {
  constexpr std::size_t kMaxWords = 64;
  std::vector<std::string> out;
  for (line = trim(line); !line.empty() && out.size() < kMaxWords; line = trim(line)) {
    out.push_back(take_word(line));
  }
  return out;
}

void drop_redis_secrets(std::vector<std::string>& words) {
  const auto& name = words.front();
  if (name == "requirepass") {
    const bool set = words.size() > 1 && !words[1].empty();
    words = {name, set ? "set" : ""};
  } else if (name == "user") {
    const bool open = std::ranges::find(words, "nopass") != words.end();
    words.resize(std::min<std::size_t>(words.size(), 2));
    if (open) words.emplace_back("nopass");
  } else if (name.contains("auth") || name.contains("pass")) {
    if (name != "tls-auth-clients") words.resize(1);
  } else if (name == "sentinel" && words.size() > 1 &&
             (words[1].contains("auth") || words[1].contains("pass"))) {
    words.resize(2);
  }
}

/// Takes what stands after the name of a setting of postgresql.conf.
std::string take_value(std::string_view rest) {
  rest = trim(rest);
  if (rest.starts_with('=')) rest = trim(rest.substr(1));
  std::string out;
  if (!rest.starts_with('\'')) return std::string(trim(rest.substr(0, rest.find_first_of("# \t"))));
  for (std::size_t at = 1; at < rest.size(); ++at) {
    const char c = rest[at];
    if (c == '\\' && at + 1 < rest.size()) {
      out += rest[++at];
    } else if (c != '\'') {
      out += c;
    } else if (at + 1 < rest.size() && rest[at + 1] == '\'') {
      out += rest[++at];
    } else {
      break;
    }
  }
  return out;
}

/// Hosts and ports as libpq puts them together: as many ports as hosts, or one for all.
std::vector<Place> pair_up(const std::string& hosts, const std::string& ports) {
  constexpr std::uint16_t kPort = 5432;
  constexpr std::size_t kMaxHosts = 64;
  std::vector<Place> out;
  const auto each = split(ports, ',');
  std::size_t i = 0;
  for (const auto host : split(hosts, ',')) {
    const auto text = each.size() == 1 ? each.front() : i < each.size() ? each[i] : std::string_view();
    const auto port = text.empty() ? kPort : read_port(trim(text));
    if (++i > kMaxHosts) break;
    if (is_host(trim(host)) && port) out.push_back({std::string(trim(host)), *port});
  }
  return out;
}

/// postgresql://user:password@host:port,host:port/database?key=value
std::vector<Place> read_uri(std::string_view rest) {
  rest = rest.substr(0, rest.find_first_of("/?"));
  if (const auto at = rest.rfind('@'); at != std::string_view::npos) rest.remove_prefix(at + 1);
  std::vector<Place> out;
  for (const auto one : split(rest, ',')) {
    const auto url = read_url(fmt::format("postgresql://{}", one));
    if (url && !url->place.host.empty())
      out.push_back({url->place.host, url->place.port ? url->place.port : std::uint16_t{5432}});
  }
  return out;
}

bool is_secret(std::string_view name) {
  constexpr std::array<std::string_view, 5> kParts{"password", "jaas", "secret", "keystore.key", "token"};
  const auto low = lower(name);
  return std::ranges::any_of(kParts, [&](auto part) { return low.contains(part); });
}

/// Escapes of a properties file, of which only those that stand in names and paths mean anything here.
std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\\' && at + 1 < text.size()) ++at;
    out += text[at];
  }
  return out;
}

void add_property(std::string_view line, Settings& to) {
  std::size_t end = 0;
  while (end < line.size() && line[end] != '=' && line[end] != ':' && !is_blank(line[end])) {
    end += line[end] == '\\' ? 2 : 1;
  }
  end = std::min(end, line.size());
  auto value = trim(line.substr(end));
  if (value.starts_with('=') || value.starts_with(':')) value = trim(value.substr(1));
  const auto name = unescape(line.substr(0, end));
  if (!name.empty() && !is_secret(name) && to.size() < kMaxSettings) to[name] = unescape(value);
}

void add_yaml(const config::Node& mapping, Settings& to) {
  for (const auto& entry : mapping.entries) {
    if (entry.value->kind == config::Node::Kind::scalar) to[entry.key] = entry.value->text;
  }
}

}  // namespace

Lines read_redis(std::string_view text) {
  Lines out;
  for (const auto line : split(text, '\n')) {
    if (out.size() == kMaxSettings) break;
    if (trim(line).starts_with('#')) continue;
    auto words = take_words(line);
    if (words.empty()) continue;
    words.front() = lower(words.front());
    if (words.size() > 1 && words.front() == "sentinel") words[1] = lower(words[1]);
    drop_redis_secrets(words);
    out.push_back(std::move(words));
  }
  return out;
}

Lines read_chrony(std::string_view text) {
  constexpr std::string_view kComments = "#%!;";
  Lines out;
  for (const auto line : split(text, '\n')) {
    if (out.size() == kMaxSettings) break;
    const auto bare = trim(line);
    if (bare.empty() || kComments.contains(bare.front())) continue;
    auto words = take_words(bare);
    words.front() = lower(words.front());
    out.push_back(std::move(words));
  }
  return out;
}

std::vector<std::pair<std::string, std::string>> read_postgres(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto whole : split(text, '\n')) {
    if (out.size() == kMaxSettings) break;
    const auto line = trim(whole);
    const auto end = std::min(line.find_first_of("= \t#"), line.size());
    if (end == 0) continue;
    auto name = lower(line.substr(0, end));
    if (name.contains("passphrase")) continue;
    auto value = take_value(line.substr(end));
    if (name == "primary_conninfo") {
      std::string places;
      for (const auto& place : read_conninfo(value)) places += (places.empty() ? "" : ",") + print(place);
      value = std::move(places);
    }
    out.emplace_back(std::move(name), std::move(value));
  }
  return out;
}

std::vector<Place> read_conninfo(std::string_view text) {
  text = trim(text);
  for (const std::string_view head : {"postgresql://", "postgres://"}) {
    if (text.starts_with(head)) return read_uri(text.substr(head.size()));
  }
  std::string host;
  std::string address;
  std::string port;
  while (!text.empty()) {
    const auto equals = text.find('=');
    if (equals == std::string_view::npos) break;
    const auto name = trim(text.substr(0, equals));
    text = trim(text.substr(equals + 1));
    const auto value = take_word(text);
    text = trim(text);
    if (name == "host") host = value;
    if (name == "hostaddr") address = value;
    if (name == "port") port = value;
  }
  return pair_up(address.empty() ? host : address, port);
}

Settings read_properties(std::string_view text) {
  Settings out;
  std::string pending;
  for (auto line : split(text, '\n')) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    while (!line.empty() && is_blank(line.front())) line.remove_prefix(1);
    if (pending.empty() && (line.empty() || line.front() == '#' || line.front() == '!')) continue;
    const auto bare = line.find_last_not_of('\\');
    const auto slashes = line.size() - (bare == std::string_view::npos ? 0 : bare + 1);
    pending += line.substr(0, line.size() - slashes % 2);
    if (slashes % 2 == 1) continue;
    add_property(pending, out);
    pending.clear();
  }
  add_property(pending, out);
  return out;
}

Settings read_environment_file(std::string_view text) {
  Settings out;
  for (const auto whole : split(text, '\n')) {
    auto line = trim(whole);
    const auto equals = line.find('=');
    if (line.starts_with('#') || equals == std::string_view::npos || out.size() == kMaxSettings) continue;
    const auto name = trim(line.substr(0, equals));
    line = trim(line.substr(equals + 1));
    if (!is_label_name(name) || is_secret(name)) continue;
    const bool quoted = line.starts_with('"') || line.starts_with('\'');
    out[std::string(name)] = quoted ? take_word(line) : std::string(line);
  }
  return out;
}

Result<Settings> read_etcd_file(std::string_view text) {
  config::Problems problems("");
  config::Document document;
  if (!config::parse_document(text, document, problems) || !document.root() ||
      document.root()->kind != config::Node::Kind::mapping)
    return fail(ErrorKind::config, "it is not a YAML mapping");
  Settings out;
  add_yaml(*document.root(), out);
  for (const auto& entry : document.root()->entries) {
    if (entry.key == "client-transport-security" && entry.value->kind == config::Node::Kind::mapping)
      add_yaml(*entry.value, out);
  }
  std::erase_if(out, [](const auto& one) { return is_secret(one.first); });
  return out;
}

}  // namespace qw::discover
