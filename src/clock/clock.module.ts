import { Module } from '@nestjs/common';
import { BackgroundJobs } from './background-jobs.js';
import { Clock } from './clock.js';

@Module({ providers: [BackgroundJobs, Clock], exports: [BackgroundJobs, Clock] })
export class ClockModule {}
