"""Key management: issue, unwrap, prefetch and shred; the only room that holds unwrapped keys, and only in memory."""
