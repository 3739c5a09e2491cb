#include <gtest/gtest.h>

#include "config/config.hpp"
#include "toy_kinds.hpp"

namespace qw::config {
namespace {

bool has(const std::string& text, std::string_view what) {
  return text.find(what) != std::string::npos;
}

TEST(Reference, HasARowForEveryKeyWithItsDefault) {
  const auto text = print_reference(toy::kinds());
  for (const auto* row : {
           "| `defaults.interval` | duration |  | ",
           "| `targets` | list of mappings | required | ",
           "| `system` | text | required | ",
           "| `timeout` | duration |  | ",
           "## system: lake\n\nWater without ducks.\n",
           "## system: pond\n",
           "| `members` | list of texts | required | Every duck's address. |\n",
           "| `ducks` | whole number | `3` | How many. |\n",
           "| `depth` | number | `1.5` | In metres. |\n",
           "| `frozen` | true or false | `false` | In winter. |\n",
           "| `colour` | one of `green`, `blue` | `green` | Of the water. |\n",
           "| `greeting` | text | `quack \\| honk` | What they say. |\n",
           "| `limit` | whole number |  | Of ducks. |\n",
           "| `ripple` | duration | `1m30s` | How long waves last. |\n",
           "| `password_file` | secret |  | To get in. |\n",
           "| `map_file` | file |  | Where it is. |\n",
           "| `charts` | list of files |  | How deep it is. |\n",
           "| `tls` | mapping |  | ",
           "| `tls.insecure_skip_verify` | true or false | `false` | ",
           "| `nests` | list of mappings |  | Where they live. |\n",
           "| `nests[].host` | text | required | Whose it is. |\n",
           "| `nests[].eggs` | whole number | `2` | In it. |\n",
       }) {
    EXPECT_TRUE(has(text, row)) << row << "\n" << text;
  }
}

TEST(Reference, IsTheSameEveryTime) {
  EXPECT_EQ(print_reference(toy::kinds()), print_reference(toy::kinds()));
}

}  // namespace
}  // namespace qw::config
