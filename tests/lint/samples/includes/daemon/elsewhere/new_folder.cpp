// A folder that no layer names.  // BAD
