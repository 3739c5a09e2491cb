#include <yaml-cpp/yaml.h>
#include "probes/probe.hpp"  // BAD
