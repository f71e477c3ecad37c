<?php

declare(strict_types=1);

// Loads all classes: for programs without Composer, and as the file of opcache.preload.
require_once __DIR__ . '/src/Handle.php'; // The base class must be declared first.
foreach (glob(__DIR__ . '/src/*.php') as $file) {
    require_once $file;
}
