"use strict";

// The compiled addon (see build.sh).
module.exports = require(process.env.THINKWIRE_ADDON ?? "./thinkwire.node");
